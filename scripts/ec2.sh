#!/usr/bin/env bash
# From a bare Ubuntu machine, with a GPU or without, to a finished pipeline: docs/ec2.md.
#
#     bash ec2.sh [--repository URL] [--folder DIR] [--profile NAME] [--bucket NAME] [--region NAME] [--shutdown]
#
# Every step looks first whether it is done, so the command can be run again after whatever stopped it.
set -euo pipefail

repository="" folder="$HOME/sim-to-cloud" profile="" bucket="" region="" shutdown=""

usage() {
    cat <<'TEXT'
usage: bash scripts/ec2.sh [options]

Installs what is missing (git, make, Python 3.11, the NVIDIA driver), clones the repository and runs the pipeline.
Within a clone that clone is used.

  --repository URL  what to clone, when this is not run in a clone
  --folder DIR      where to [~/sim-to-cloud]
  --profile NAME    laptop, workstation or cloud; otherwise what conf/config.yaml says
  --bucket NAME     push the data to this S3 bucket, with the machine's role
  --region NAME     where the bucket is; otherwise what the settings say
  --shutdown        switch the machine off at the end, whether that is good or bad
TEXT
}

fail() {
    echo "error: $1" >&2
    exit "${2:-8}"
}

while [ $# -gt 0 ]; do
    case "$1" in
        --repository | --folder | --profile | --bucket | --region)
            [ $# -gt 1 ] || fail "$1 needs a value: see --help" 2
            printf -v "${1#--}" '%s' "$2"
            shift 2
            ;;
        --shutdown) shutdown=yes && shift ;;
        -h | --help) usage && exit 0 ;;
        *) fail "'$1' is no option: see --help" 2 ;;
    esac
done

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

switch_off() {
    [ -z "$shutdown" ] || as_root shutdown -h +1 "the pipeline has ended"
}
trap switch_off EXIT

# ---- the machine ----

# shellcheck disable=SC1090,SC1091
. "${OS_RELEASE:-/etc/os-release}"
[ "${ID:-}" = ubuntu ] || fail "this is ${PRETTY_NAME:-no Ubuntu}, and the script knows Ubuntu 22.04 and 24.04: take an \
Ubuntu image, or install git, make and Python 3.11 and run make repro"
[ "$(uname -m)" = x86_64 ] || fail "this is $(uname -m), and bpy is built for x86_64: take another kind of instance"
free_gb=$(df --output=avail -BG "$HOME" | tail -n 1 | tr -dc 0-9)
[ "$free_gb" -ge 30 ] || fail "$free_gb GB are free in $HOME, and packages and frames take 30: give the machine a larger disk"

export DEBIAN_FRONTEND=noninteractive

install() {
    echo "installing $*"
    as_root apt-get update -qq
    as_root apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

missing=()
command -v git >/dev/null || missing+=(git)
command -v make >/dev/null || missing+=(make)
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
[ ${#missing[@]} = 0 ] || install "${missing[@]}"

if ! command -v python3.11 >/dev/null; then
    # Ubuntu 22.04 has Python 3.11 itself; for 24.04 there is a well-known archive of Pythons
    if ! apt-cache show python3.11-venv >/dev/null 2>&1; then
        install software-properties-common
        as_root add-apt-repository -y ppa:deadsnakes/ppa >/dev/null
    fi
    install python3.11 python3.11-venv
fi

# ---- the GPU ----

has_gpu() {
    grep -qsi 0x10de "${PCI_DEVICES:-/sys/bus/pci/devices}"/*/vendor
}

if has_gpu && ! nvidia-smi >/dev/null 2>&1; then
    if ! command -v nvidia-smi >/dev/null; then
        install ubuntu-drivers-common
        number=$(ubuntu-drivers list --gpgpu | grep -o 'nvidia-driver-[0-9]*-server' | tr -dc '0-9\n' | sort -n | tail -n 1 || true)
        [ -n "$number" ] || fail "Ubuntu knows no driver for this GPU: take an image that brings one, such as a Deep \
Learning Base AMI"
        # modules for this kernel; then nvidia-smi, and what Cycles' OptiX loads
        as_root ubuntu-drivers install --gpgpu "nvidia:$number-server"
        install "nvidia-utils-$number-server" "libnvidia-gl-$number-server"
    fi
    as_root modprobe nvidia || true
    nvidia-smi >/dev/null || fail "the NVIDIA driver is installed and does not run yet: restart the machine with sudo \
reboot, then run this again"
fi
if has_gpu; then nvidia-smi --query-gpu=name,driver_version --format=csv,noheader; else echo "no NVIDIA GPU: all is done on the CPU"; fi

# ---- the repository ----

if [ ! -f dvc.yaml ] || [ ! -f scripts/set_up.py ]; then
    if [ ! -d "$folder/.git" ]; then
        [ -n "$repository" ] || fail "this is no clone: name the repository with --repository URL" 2
        git clone --quiet "$repository" "$folder"
    fi
    cd "$folder"
fi

# ---- the pipeline ----

make setup
changes=()
[ -z "$profile" ] || changes+=(-S "profile=$profile")
[ -z "$bucket" ] || changes+=(-S storage=s3 -S "storage.bucket=$bucket" -S storage.create_bucket=false)
[ -z "$region" ] || changes+=(-S "storage.region=$region")
if [ ${#changes[@]} = 0 ]; then
    make repro
else
    # an experiment keeps its settings; DVC records it as a commit, which wants an author
    export GIT_AUTHOR_NAME="${GIT_AUTHOR_NAME:-ec2}" GIT_AUTHOR_EMAIL="${GIT_AUTHOR_EMAIL:-ec2@localhost}"
    export GIT_COMMITTER_NAME="$GIT_AUTHOR_NAME" GIT_COMMITTER_EMAIL="$GIT_AUTHOR_EMAIL"
    PATH="$PWD/.venv/bin:$PATH" python -m dvc exp run "${changes[@]}"
fi
echo "done: open reports/report.html"
