"""A user's own neuron, rule and modulator, each one file outside the package: docs/extend.md is what is run here.

They join a circuit, are recorded and ablated, take the exams by the public functions; a broken one is named.
"""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bisnn.circuit import Area, Circuit, Projection
from bisnn.errors import ConfigError, UnknownName
from bisnn.initialisers import Constant, Uniform
from bisnn.interventions import INTACT, Ablation, Targets, compile_gates
from bisnn.neurons import IF
from bisnn.recording import Probe
from bisnn.testing import examine, examine_file, exams, findings, kinds

DOC = (Path(__file__).resolve().parent.parent / "docs" / "extend.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```python\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL))
COMPONENTS = ["my_neuron.py", "my_stochastic_neuron.py", "my_rule.py", "my_modulator.py"]
KEY = torch.arange(4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outside")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def mine(folder):
    """The classes of the user's files by name."""
    found = {}
    for name in COMPONENTS:
        found |= vars(kinds.load(folder / name))
    return found


def test_the_page_holds_every_kind():
    assert [*COMPONENTS, "test_mine.py", "use_mine.py"] == list(FILES)


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_file_outside_the_package_passes(folder, name):
    examine_file(folder / name)


@pytest.mark.slow
def test_the_users_own_pytest_run_passes(folder):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    expected = sum(len(exams(*kinds.examples(kinds.load(folder / name)))) for name in COMPONENTS)
    assert f"{expected} passed" in done.stdout, done.stdout


def test_the_circuit_of_the_page_runs(folder, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(folder))
    runpy.run_path(str(folder / "use_mine.py"))
    intact, silent, frozen = (line.split() for line in capsys.readouterr().out.splitlines())
    assert intact[0] == "intact"
    assert int(intact[2]) > 50
    assert intact[4] == "True"
    assert silent == ["no_noise", "spikes", "0", "moved", "False"]
    assert frozen[4] == "False"
    for name in ("my_neuron", "my_stochastic_neuron", "my_rule", "my_modulator"):
        sys.modules.pop(name, None)


def ablated(circuit, arms, drive, steps=60):
    """Recordings of every arm, `[arms, 4, T, ...]`, of the same individuals."""
    key = KEY.expand(len(arms), 4)
    arm = torch.arange(len(arms))[:, None].expand(key.shape)
    gates = compile_gates(arms, arm, key, Targets.of((circuit,)))
    probes = [Probe(name, leaf) for name in circuit.names for leaf in circuit.fields(name)]
    given = {name: value.expand(*key.shape, -1) for name, value in drive.items()}
    return circuit.run(circuit.init(key), given, None, gates, steps=steps, probes=probes)[1]


def test_a_users_neuron_and_rule_are_recorded_silenced_cut_and_frozen(mine):
    circuit = Circuit(
        areas={
            "coins": Area(n=6, neuron=mine["Coin"](gain=0.3)),
            "linear": Area(n=3, neuron=mine["LinearIF"](threshold=2.0)),
            "out": Area(n=2, neuron=IF()),
        },
        projections=(
            Projection(source="coins", target="linear", weight=Uniform(0.3, 0.9), rule=mine["Instar"](), delay=0),
            Projection(source="linear", target="out", weight=Constant(1.0), delay=0),
        ),
    )
    arms = (
        INTACT,
        Ablation(name="silence", silence=("linear",)),
        Ablation(name="cut", cut=("coins->linear",)),
        Ablation(name="freeze", freeze=("coins->linear",)),
    )
    seen = ablated(circuit, arms, {"coins": torch.full((6,), 1.5)})
    assert {"coins.expected", "linear.v", "coins->linear.weight", "coins->linear.x"} <= set(seen)
    spikes, weight = seen["linear.spikes"], seen["coins->linear.weight"]
    assert bool((seen["coins.expected"] == torch.tensor(1.5) * 0.3).all())
    assert 0.3 < float(seen["coins.spikes"].mean()) < 0.6
    assert bool(spikes[0].any())
    assert bool((weight[0] != weight[0, :, :1]).any())
    assert not spikes[1].any()
    assert bool(seen["linear.v"][1].any()), "a silenced neuron still has its potential"
    assert not seen["out.v"][1].any()
    assert not seen["linear.v"][2].any(), "nothing arrives through a cut projection"
    assert torch.equal(weight[3], weight[3, :, :1].expand_as(weight[3]))
    assert torch.equal(seen["coins.spikes"][0], seen["coins.spikes"][3]), "arms are paired by their noise"
    alone = circuit.run(circuit.init(KEY[2]), {"coins": torch.full((6,), 1.5)}, steps=60, probes=[Probe("linear", "v")])
    assert torch.equal(seen["linear.v"][0, 2], alone[1]["linear.v"])


def test_a_users_modulator_listens_and_is_clamped(mine):
    circuit = Circuit(
        areas={"linear": Area(n=4, neuron=mine["LinearIF"](threshold=2.0))},
        modulators={"arousal": mine["Arousal"](tau=10.0, source="linear")},
    )
    seen = ablated(
        circuit, (INTACT, Ablation(name="clamp", clamp={"arousal": 0.25})), {"linear": torch.full((4,), 1.5)}
    )
    level, spikes = seen["arousal.level"], seen["linear.spikes"]
    by_hand, now = [], 0.0
    for share in spikes[0, 0].double().mean(-1).tolist():
        now = now * 2.718281828459045**-0.1 + share
        by_hand.append(now)
    assert level[0, 0].tolist() == pytest.approx(by_hand, abs=1e-5)
    assert bool((level[1] == 0.25).all())


NEURON, COIN, RULE, MODULATOR = COMPONENTS
STEP = "        v = (state.v + (current - self.leak) * dt).clamp(min=0.0)\n"
LEVEL = "        level = state.level * math.exp(-dt / self.tau) + release\n"
FIRE = "(v >= self.threshold)"
GENERATOR = {"noise < expected": "torch.rand_like(noise) < expected"}
OTHER_NAME = {"    v: Tensor": "    spikes: Tensor", "LinearState(v=": "LinearState(spikes=", "state.v": "state.spikes"}
BROKEN = [  # what is wrong, file, what is written instead, the exam that finds it, and what it says
    ("changes its state", NEURON, {STEP: STEP + "        state.v.add_(1.0)\n"}, "steps_are_pure", "what it was given"),
    ("global generator", COIN, GENERATOR, "steps_are_pure", "draws from the global generator of torch"),
    ("the same in its source", COIN, GENERATOR, "source_keeps_the_bits", "rand_like draws from a global generator"),
    ("neuron sums", NEURON, {"current - self.leak": "current - current.mean()"}, "alone_as_in_a_batch", "sums over"),
    ("rule sums", RULE, {"post * self.rate": "post * self.rate + post.mean()"}, "alone_as_in_a_batch", "sums over"),
    (
        "modulator sums",
        MODULATOR,
        {LEVEL: LEVEL + "        level = level - level.mean()\n"},
        "joins_a_circuit",
        "differs",
    ),
    (
        "exponential",
        NEURON,
        {STEP: STEP + "        v = v + torch.exp(v) * 0.0\n"},
        "source_keeps_the_bits",
        "torch.exp",
    ),
    ("fused", NEURON, {STEP: STEP + "        v = torch.add(v, v, alpha=0.0)\n"}, "source_keeps_the_bits", "alpha="),
    ("no unit", RULE, {"of the trace, ms.": "of the trace."}, "is_documented", "the unit (ms) under tau"),
    ("no docstring", NEURON, {'    """Potential lost per ms."""\n': ""}, "is_documented", "a docstring under leak"),
    ("no reference", NEURON, {"doi:": "see "}, "is_documented", "a DOI in the module docstring"),
    ("no equation", RULE, {"    x_i <-": "x_i <-"}, "is_documented", "an indented equation"),
    (
        "cells interact",
        NEURON,
        {FIRE: "((v >= self.threshold) & (v == v.amax(-1, keepdim=True)))"},
        "swept_as_ticked",
        "declare elementwise: ClassVar[bool] = False",
    ),
    (
        "one size only",
        NEURON,
        {STEP: STEP + "        v = v + torch.zeros(5)\n"},
        "swept_as_ticked",
        "areas of 2 and 5 cells: RuntimeError",
    ),
    (
        "wrong period",
        NEURON,
        {"return self.threshold": "return 0.5 * self.threshold"},
        "keeps_its_claims",
        "period: at",
    ),
    ("wrong rate", COIN, {"self.gain * dt * current": "0.5 * self.gain * current"}, "keeps_its_claims", "rate: at"),
    (
        "wrong window",
        RULE,
        {"math.exp(-gap / self.tau)": "math.exp(-gap / 30.0)"},
        "keeps_its_claims",
        "its window says",
    ),
    ("not frozen", NEURON, {"frozen=True, kw_only": "kw_only"}, "is_a_plan", "it can be changed"),
    (
        "a list",
        RULE,
        {"rate: float = 0.05": 'rate: float = 0.05\n    """x"""\n    a: tuple = ([1],)'},
        "is_a_plan",
        "no hash",
    ),
    ("clashes", NEURON, OTHER_NAME, "is_a_plan", "a field 'spikes', which a probe could not tell"),
    ("no expected", COIN, {"expected: T": "chance: T", "(expected=": "(chance="}, "is_a_plan", "no field 'expected'"),
    ("spikes of two", NEURON, {FIRE: "2 * " + FIRE}, "answers", "other than 0 and 1"),
    ("silent", NEURON, {FIRE: "(v < -1.0)"}, "answers", "it never answers"),
    ("another dtype", NEURON, {"v * (1.0 - spikes)": "(v * (1.0 - spikes)).float()"}, "shapes_and_dtypes", "becomes"),
    ("another shape", RULE, {"torch.zeros(weight.shape[:-1]": "torch.zeros(()"}, "shapes_and_dtypes", "starts as []"),
    ("infinite", NEURON, {"dt).clamp(min=0.0)": "dt) / 0.0"}, "shapes_and_dtypes", "v is NaN or infinite"),
    (
        "weights frozen",
        RULE,
        {"* (post * self.rate)": "* 0.0 * (post * self.rate)"},
        "joins_a_circuit",
        "no weight ever",
    ),
    (
        "only defaults",
        NEURON,
        {"LinearIF(threshold=3.0, leak=0.1)": "LinearIF()"},
        "tried_beyond_its_defaults",
        "default",
    ),
    ("raises", NEURON, {STEP: STEP + "        raise KeyError('mine')\n"}, "answers", "it raised KeyError: 'mine'"),
]


def broken(tmp_path, file, instead):
    """The components of a file in which something is wrong."""
    text = FILES[file]
    for old, new in instead.items():
        assert old in text, "the page has changed; bring the faults of this test up to date"
        text = text.replace(old, new)
    (tmp_path / file).write_text(text, encoding="utf-8")
    return kinds.examples(kinds.load(tmp_path / file))


@pytest.mark.parametrize(
    ("file", "instead", "name", "says"), [fault[1:] for fault in BROKEN], ids=[f[0] for f in BROKEN]
)
def test_a_fault_is_found_and_named(tmp_path, file, instead, name, says):
    components = broken(tmp_path, file, instead)
    asked = [exam for exam in exams(*components) if exam.name == name]
    assert asked
    failing = [exam for exam in asked if exam.findings()]
    assert any(says in str(finding) for exam in failing for finding in exam.findings())
    with pytest.raises(AssertionError, match=rf"^{type(components[0]).__name__}\(.*, {name}: "):
        failing[0]()


def test_all_faults_are_listed_at_once(tmp_path):
    components = broken(tmp_path, NEURON, {"doi:": "see ", FIRE: "2 * " + FIRE})
    found = findings(*components)
    assert {(finding.exam, finding.component) for finding in found} >= {
        (name, repr(component)) for name in ("is_documented", "answers") for component in components
    }
    with pytest.raises(AssertionError, match="a DOI") as error:
        examine(*components)
    assert "other than 0 and 1" in str(error.value)
    with pytest.raises(AssertionError, match="a DOI"):
        examine_file(tmp_path / NEURON)


def test_what_is_no_component_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no neuron"):
        exams(3.0)
    with pytest.raises(UnknownName, match="neuron"):
        exams(IF(), kind="neurons")
    with pytest.raises(AssertionError, match="nothing is examined"):
        exams()
    with pytest.raises(ConfigError, match="no Python file"):
        examine_file(tmp_path / "absent.py")
    (tmp_path / "empty.py").write_text('"""Nothing."""\n', encoding="utf-8")
    with pytest.raises(AssertionError, match="has no EXAMPLES"):
        examine_file(tmp_path / "empty.py")
    (tmp_path / "broken.py").write_text("class Mine(\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"broken\.py' cannot be imported: SyntaxError"):
        examine_file(tmp_path / "broken.py")
    (tmp_path / "leaves.py").write_text("raise SystemExit\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be imported: SystemExit"):
        examine_file(tmp_path / "leaves.py")
    assert exams(IF(), kind="neuron")[0].__name__ == f"{IF()!r}-is_a_plan"


def test_a_hidden_state_is_found(tmp_path):
    counting = {
        STEP: STEP + "        COUNT.append(1)\n        v = v + len(COUNT) * 1e-4\n",
        "EXAMPLES": "COUNT = []\nEXAMPLES",
    }
    with pytest.raises(AssertionError, match="two steps from the same state and input differ"):
        next(e for e in exams(*broken(tmp_path, NEURON, counting)) if e.name == "steps_are_pure")()
