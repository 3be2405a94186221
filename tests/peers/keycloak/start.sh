#!/usr/bin/env bash
# Starts a real Keycloak in development mode on loopback with the realm beside this script, fresh each time.
# Needs Maven and Java 17 or later. The first start downloads 170 MB and takes about a minute, later ones about 15 s.
# Prints its address when it is ready.
#   ./start.sh                root path,  http://127.0.0.1:18400/realms/dhafnck,      health http://127.0.0.1:18401/health/ready
#   PREFIX=/auth ./start.sh               http://127.0.0.1:18400/auth/realms/dhafnck, health http://127.0.0.1:18401/auth/health/ready
#   ONLY_INSTALL=1 ./start.sh ends when it is unpacked
#   END_WITH_STDIN=1          ends when its stdin does
set -euo pipefail
VERSION=${KEYCLOAK_VERSION:-26.7.3}
# Of the zip of that version; another version needs its own (KEYCLOAK_SHA256).
SHA256=${KEYCLOAK_SHA256:-27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f}
HERE=$(cd "$(dirname "$0")" && pwd)
WORK=${KEYCLOAK_WORK:-${TMPDIR:-/tmp}/keycloak-test}
PORT=${PORT:-18400}
MGMT=${MGMT:-18401}
PREFIX=${PREFIX:-/}
HOME_DIR=$WORK/keycloak-$VERSION
mkdir -p "$WORK"
if [ ! -x "$HOME_DIR/bin/kc.sh" ]; then
  mvn -q -B dependency:copy -Dartifact="org.keycloak:keycloak-quarkus-dist:$VERSION:zip" -DoutputDirectory="$WORK" -Dmdep.stripVersion=true
  echo "$SHA256  $WORK/keycloak-quarkus-dist.zip" | sha256sum --check --quiet
  # unzip, or Python's where it is missing (it drops the executable bits, so they are set again)
  unzip -qo "$WORK/keycloak-quarkus-dist.zip" -d "$WORK" 2>/dev/null || python3 -m zipfile -e "$WORK/keycloak-quarkus-dist.zip" "$WORK"
  chmod +x "$HOME_DIR"/bin/*.sh
fi
[ -z "${ONLY_INSTALL:-}" ] || exit 0
mkdir -p "$HOME_DIR/data/import"
cp "$HERE/dhafnck-realm.json" "$HOME_DIR/data/import/dhafnck-realm.json"   # the name must be <realm>-realm.json
export KC_BOOTSTRAP_ADMIN_USERNAME=admin KC_BOOTSTRAP_ADMIN_PASSWORD=admin
export JAVA_OPTS_KC_HEAP=${JAVA_OPTS_KC_HEAP:--Xms128m -Xmx512m}
set -m   # a process group of its own, so that all of it can be ended
"$HOME_DIR/bin/kc.sh" start-dev --import-realm --db=dev-mem \
  --http-host=127.0.0.1 --http-port="$PORT" --http-relative-path="$PREFIX" \
  --health-enabled=true --http-management-port="$MGMT" "$@" </dev/null >"$WORK/keycloak.log" 2>&1 &
SERVER=$!
trap 'kill -- -$SERVER 2>/dev/null || true' EXIT
if [ -n "${END_WITH_STDIN:-}" ]; then
  exec 4<&0
  ( read -r -u 4 _ || true; kill -- -$SERVER 2>/dev/null || true ) &
fi
until curl -sf --max-time 5 "http://127.0.0.1:$MGMT${PREFIX%/}/health/ready" >/dev/null; do
  kill -0 $SERVER || { tail -20 "$WORK/keycloak.log" >&2; exit 1; }
  sleep 0.5
done
echo "keycloak: http://127.0.0.1:$PORT${PREFIX%/}/realms/dhafnck"
wait $SERVER
