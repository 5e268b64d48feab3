#!/usr/bin/env bash
# Runs the checks of scim2-tester, a SCIM compliance suite in Python, against a running SCIM server.
#
#   tests/external/scim2-tester.sh BASE_URL [TOKEN]
#
# Needs bash and python3 (3.10 or later). Packages, at pinned versions, go into a virtual environment under
# $SCIMULATOR_CACHE, which is made once. Prints one line for each check that did not pass, then the counts.
# Exit status: 0 no check failed, 1 some failed, 2 wrong usage, 77 the suite can't be installed here: the last line
# says why.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 ]]; then
  echo "usage: $0 BASE_URL [TOKEN]" >&2
  exit 2
fi

cache=${SCIMULATOR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/scimulator}
packages=(
  scim2-tester==0.5.2 scim2-client==0.13.2 scim2-models==0.12.3
  annotated-types==0.8.0 anyio==4.16.0 dnspython==2.9.2 email-validator==2.4.0 h11==0.16.0 httpcore2==2.16.2
  httpx2==2.16.2 idna==3.20 lark==1.3.1 pydantic==2.14.3 pydantic_core==2.50.4 truststore==0.10.5
  typing-inspection==0.4.5 typing_extensions==4.16.0
)
venv=$cache/scim2-tester-0.5.2
mkdir -p "$cache"

if [[ ! -f $venv/.installed ]]; then
  rm -rf "$venv"
  python3 -m venv "$venv" || { echo "python3 can't make a virtual environment"; exit 77; }
  "$venv/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}" ||
    { echo "the packages of scim2-tester can't be installed"; exit 77; }
  touch "$venv/.installed"
fi

SCIM_BASE_URL=$1 SCIM_TOKEN=${2-} "$venv/bin/python" - <<'PYTHON'
import collections
import os
import sys

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

WAIT_SECONDS = 30.0

token = os.environ["SCIM_TOKEN"]
headers = {"Authorization": f"Bearer {token}"} if token else {}
with httpx2.Client(base_url=os.environ["SCIM_BASE_URL"], headers=headers, timeout=WAIT_SECONDS) as http:
    results = check_server(SyncSCIMClient(http))

# DEVIATION goes against a SHOULD, which the standard leaves to the server: shown, and no failure.
failing = {Status.ERROR, Status.CRITICAL}
for result in results:
    if result.status != Status.SUCCESS:
        print(f"{result.status.name} {result.resource_type or '-'} {result.title}: {result.reason}")
counts = collections.Counter(result.status.name for result in results)
print(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
failed = [result for result in results if result.status in failing]
# A suite that found nothing to check has not passed.
sys.exit(1 if failed or not counts[Status.SUCCESS.name] else 0)
PYTHON
