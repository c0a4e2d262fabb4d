#!/bin/sh
# What Isaac Sim's python.sh is for the tests: this Python, with the stand-in before everything else.
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$here/standin:$PYTHONPATH"
exec "${STANDIN_PYTHON:-python3}" "$@" || echo "There was an error running python"
