#!/usr/bin/env bash
# The client that the MCP conformance suite runs: it carries out each scenario by `warmstart call`.
# The suite appends the server's URL and names the scenario in the environment. WARMSTART is the
# program, CONFORMANCE_HOME a folder for the home of this one scenario.
set -euo pipefail
export MCP_SERVER_URL=${!#} HOME=${CONFORMANCE_HOME:?}

call_tool() { "${WARMSTART:?}" call --tool "$1" --args "$2"; }

# A field of a JSON document on the web, by Python's subscripts.
field() { curl -sf "$1" | python3 -c "import json, sys; print(json.load(sys.stdin)$2)"; }

# The discovery that a user does once, by hand: whose tokens the server takes, and the endpoint for them.
token() {
  local origin metadata endpoint
  origin=$(sed -E 's#^(https?://[^/]+).*#\1#' <<<"$MCP_SERVER_URL")
  metadata=$(curl -s -o /dev/null -D - -X POST "$MCP_SERVER_URL" | tr -d '\r' |
    sed -nE 's/.*resource_metadata="([^"]+)".*/\1/p')
  metadata=${metadata:-$origin/.well-known/oauth-protected-resource/mcp}
  endpoint=$(field "$(field "$metadata" '["authorization_servers"][0]')/.well-known/oauth-authorization-server" '["token_endpoint"]')
  CONTEXT=$MCP_CONFORMANCE_CONTEXT ENDPOINT=$endpoint python3 - <<'PYTHON'
import base64, json, os, urllib.parse, urllib.request
context = json.loads(os.environ["CONTEXT"])
form = {"grant_type": "client_credentials", "resource": os.environ["MCP_SERVER_URL"]}
request = urllib.request.Request(os.environ["ENDPOINT"], urllib.parse.urlencode(form).encode())
pair = ":".join(urllib.parse.quote(context[key], safe="") for key in ("client_id", "client_secret"))
request.add_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
print(json.load(urllib.request.urlopen(request))["access_token"])
PYTHON
}

case ${MCP_CONFORMANCE_SCENARIO:?} in
  # It answers the modern call like a legacy one, so the era is configured.
  sse-retry) WARMSTART_CLIENT__ERA=legacy call_tool test_reconnection '{}' ;;
  auth/client-credentials-basic)
    MCP_AUTH_TOKEN=$(token)
    export MCP_AUTH_TOKEN
    call_tool test-tool '{}' || true ;;
  http-standard-headers) call_tool test_headers '{}' || true ;;
  *) call_tool add_numbers '{"a":5,"b":3}' ;;
esac
