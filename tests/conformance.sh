#!/usr/bin/env bash
# What the MCP conformance suite runs as the client: does a scenario's deed by `warmstart call`.
# The suite appends the server's URL and names the scenario in the environment; WARMSTART is the
# program. A home of its own keeps one scenario's knowledge from the next.
set -euo pipefail
URL=${!#}
export HOME=${CONFORMANCE_HOME:?a folder for this scenario}
export MCP_SERVER_URL=$URL
case ${MCP_CONFORMANCE_SCENARIO:?} in
  auth/client-credentials-basic) credentials ;;
  *) ;;
esac
exec "${WARMSTART:?}" call --tool "${TOOL:-add_numbers}" --args "${ARGUMENTS:-{\"a\":5,\"b\":3\}}"
