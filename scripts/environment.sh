# Makes .venv and keeps it in step with pyproject.toml and constraints.txt; sourced by scripts/run and scripts/test.

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="$root/.venv/bin/python"

# The first Python 3.12 or 3.11 that really starts (a version manager's shim may not).
find_python() {
    local candidate
    for candidate in python3.12 python3.11 python3 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12)})' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "hpo needs Python 3.11 or 3.12, and none was found on PATH. Install one and type the same command again." >&2
    return 2
}

make_venv() {
    local base
    base="$(find_python)" || return
    echo "making .venv with $("$base" --version)" >&2
    if ! "$base" -m venv --clear "$root/.venv" >&2; then
        rm -rf "$root/.venv"
        echo "$base cannot make a virtual environment. On Debian and Ubuntu, install python3-venv and type the same command again." >&2
        return 2
    fi
}

# prepare NAME EXTRAS: .venv holds the project with these extras. A stamp makes later calls start at once.
prepare() {
    local name="$1" extras="$2" wanted
    wanted="$(cat "$root/pyproject.toml" "$root/constraints.txt" "$root/scripts/environment.sh" | cksum) $extras"
    if ! "$python" -c '' 2>/dev/null; then
        make_venv || return
    fi
    if [[ "$(cat "$root/.venv/stamp-$name" 2>/dev/null)" == "$wanted" ]]; then
        return
    fi
    echo "installing hpo[$extras] into .venv (minutes on the first call)" >&2
    if ! "$python" -m pip install -q --disable-pip-version-check -c "$root/constraints.txt" -e "$root[$extras]" >&2; then
        echo "the installation failed; the lines above say why. Type the same command again to go on." >&2
        return 2
    fi
    echo "$wanted" >"$root/.venv/stamp-$name"
}
