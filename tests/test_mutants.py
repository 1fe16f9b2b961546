"""The mutation test itself (.ci/mutants.py): what it changes, what it leaves alone, and that three named faults die."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = '''"""A neuron 1 + 1.

    v <- v + 1
"""

import math
from typing import Literal

Reset = Literal["zero", "subtract"]


class XState(NamedTuple):
    v: Tensor  # [*B, n]


@dataclass(frozen=True)
class X:
    """Doc 1."""

    tau: float = 20.0
    """Time constant, ms."""
    steps: tuple[Literal[3], ...] = ()

    def __repr__(self) -> str:
        return "X" * 2

    def step(self, state, current, dt=1.0):
        """One tick."""
        assert dt > 0
        if not self.tau:
            raise ConfigError(f"tau is {self.tau + 1}")
        v = state.v * math.exp(-dt / self.tau) + current
        v = v.clamp(min=0.0)
        fired = v >= 1.0
        return fired, XState(v=torch.where(fired, 0.0, v))


EXAMPLES = (X(), X(tau=3.0))
'''


@pytest.fixture(scope="module")
def mutations():
    sys.path.insert(0, str(ROOT / ".ci"))
    try:
        import mutations
    finally:
        sys.path.pop(0)
    return mutations


def test_what_is_changed(mutations):
    found = {(mutant.what, mutant.after.strip()) for mutant in mutations.mutants("x.py", TEXT)}
    assert found >= {
        ("arithmetic", "v = state.v * math.exp(-dt / self.tau) - current"),
        ("arithmetic", "v = state.v / math.exp(-dt / self.tau) + current"),
        ("arithmetic", "v = state.v * math.exp(-dt * self.tau) + current"),
        ("decay dropped", "v = (state.v) + current"),
        ("sign", "v = state.v * math.exp((dt) / self.tau) + current"),
        ("clamp dropped", "v = v"),
        ("statement deleted", "pass"),
        ("comparison", "fired = v > 1.0"),
        ("constant", "fired = v >= 0.0"),
        ("constant", "tau: float = 21.0"),
        ("condition", "if (not (not self.tau)):"),
        ("branches", "return fired, XState(v=torch.where(fired, v, 0.0))"),
        ("update forgotten", "return fired, XState(v=state.v)"),
    }


def test_what_is_left_alone(mutations):
    found = mutations.mutants("x.py", TEXT)
    touched = {(mutant.what, TEXT.splitlines()[mutant.line - 1].strip()) for mutant in found}
    alone = ('"""', "EXAMPLES", "Reset", "assert", 'return "X', "import", "@", "steps")
    assert not [line for _, line in touched if line.startswith(alone)]
    assert {what for what, line in touched if line.startswith("raise")} == {"statement deleted"}
    assert len({mutant.text for mutant in found}) == len(found), "none twice"
    assert found == mutations.mutants("x.py", TEXT), "and always the same"
    for mutant in found:
        compile(mutant.text, "x.py", "exec")
        assert mutant.text != TEXT


def test_a_comment_or_a_bracket_is_no_mutant(mutations):
    source = mutations.Source("x.py", "a = 1 + 2  # sum\n")
    assert source.edit("x", 4, 5, "(1)") is None
    assert source.edit("x", 4, 5, ")") is None
    assert str(source.edit("x", 6, 7, "-")) == "x.py:1 (x)\n    - a = 1 + 2  # sum\n    + a = 1 - 2  # sum"


def test_equivalent_mutants_exist_and_have_a_reason(mutations):
    import tomllib

    listed = tomllib.loads((ROOT / ".ci" / "equivalent_mutants.toml").read_text("utf-8")).get("equivalent", [])
    for entry in listed:
        assert len(entry["why"]) > 20
        text = (ROOT / entry["file"]).read_text("utf-8")
        edits = {(m.before.strip(), m.after.strip()) for m in mutations.mutants(entry["file"], text)}
        assert (entry["before"].strip(), entry["after"].strip()) in edits, f"stale: {entry}"


NAMED = {
    "the refractory line deleted": "hold=state.hold",
    "the sign of LTD flipped": "eligibility + outer(pre * self.a_minus, y)",
    "the eligibility decay forgotten": "(trace.eligibility) + outer",
}


@pytest.mark.slow
def test_three_named_faults_die(tmp_path):
    command = [sys.executable, ".ci/mutants.py", "bisnn/neurons/leaky_integrate_and_fire.py"]
    command += ["bisnn/plasticity/rstdp.py", "--near", "--go-on", "--json", str(tmp_path / "result.json")]
    for text in NAMED.values():
        command += ["--only", text]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    assert (result["killed"], result["all"], result["unborn"], result["late"]) == (3, 3, 0, 0), done.stdout
    for name, text in NAMED.items():
        assert any(text in mutant for mutant in result["killers"]), name
    assert done.returncode == 0
