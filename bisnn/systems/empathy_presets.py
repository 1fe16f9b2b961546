"""Networks of affective empathy: the graded one of bisnn, and the reference networks of the literature.

| | emotion | perception | IFG | SMA | M1 | dopamine | further |
|---|---|---|---|---|---|---|---|
| `graded` | 40 | 40 | 50 | 10 | 10 | 24 | affect 40, inhibition 20, TPJ 20, aFMC 10, insula 40 |
| `bae_snn` | 40 | 40 | 50 | 10 | 10 | | |
| `bae_snn_24` | 24 | 24 | 50 | 10 | 10 | | |
| `beead_snn` | 24 | 24 | 24 | 10 | 10 | 24 | |

The reference networks answer all or none; in `graded` a mirror cell sums its inputs (subtractive reset, weights
of 1/9 threshold), so its rate follows the number of expressive cells that it sees. It alone has the temporo-parietal
gate, which keeps own and vicarious pain apart (P, C: perceived cells of pain and of calm; p, c: own emotion's):

    TPJ, pain half   ~ 0.6 (P - C) - 0.75 p        TPJ, calm half  ~ 0.6 (C - P) - 0.75 c
    insula_i (own)   ~ 6 emotion_i + 0.6 affect_i - 0.1 sum of the same half of TPJ
    aFMC_j           ~ w_j sum of TPJ - 1,  w_j from .055 to .085;       aFMC -> IFG: -1 each

What is seen and not felt is another's: the half of TPJ for it fires and blocks what affect passes to the insula, so
distress is shared and not felt as own pain. A face drives one half of TPJ, ten cells, which the tonic inhibition of
aFMC outweighs; only more than any face can evoke (all of TPJ at once) recruits aFMC, which silences the mirror
cells. A face that shows what is felt (the own face in a mirror) or no face leaves TPJ silent. The gate is innate: it
does not learn. `insula` stands for the posterior insula, which answers to own pain alone; `affect` for anterior insula
and cingulate cortex, which answer to both: Singer et al. (2004) doi:10.1126/science.1093535.

TPJ and the distinction of self and other: Decety, Lamm (2007) doi:10.1177/1073858407304654; de Vignemont, Singer (2006)
doi:10.1016/j.tics.2006.08.008. TPJ and anterior fronto-median cortex (aFMC) in the control of shared representations:
Brass, Ruby, Spengler (2009) doi:10.1098/rstb.2009.0066. Physicians who see pain, more TPJ and medial prefrontal
cortex, less insula: Cheng et al. (2007) doi:10.1016/j.cub.2007.09.020. The gate's wiring and weights are of bisnn.

Feng, Zeng, Lu (2022) doi:10.3389/fncom.2022.784967; Feng, Zeng (2022) doi:10.3389/fnbot.2022.1025338;
Zhao et al. (2025) doi:10.1109/taffc.2025.3627936 (constants from the authors' released code)
"""

from __future__ import annotations

from bisnn.circuit import Area, Circuit, Projection
from bisnn.initialisers import Blocks, Constant, Initialiser, OneToOne
from bisnn.neurons import IF
from bisnn.plasticity import PreTraceSTDP, Rule
from bisnn.systems.empathy import Empathy, Range

STRONG = 6.0
"""Weight of the reference relays."""
SHARE = 0.055
"""Excitation of one expressive cell in `graded`: ten of them drive a mirror cell at every tick."""
GATE = ("tpj->insula", "tpj->afmc")
"""The projections by which TPJ acts."""


def _link(source: str, target: str, weight: Initialiser) -> Projection:
    return Projection(source=source, target=target, weight=weight, delay=0)


def _learned(source: str, target: str, rule: Rule, bounds: tuple[float, float]) -> Projection:
    return Projection(source=source, target=target, weight=Constant(0.0), rule=rule, bounds=bounds, delay=0)


def _blocks(*blocks: tuple[Range, Range, float]) -> Blocks:
    return Blocks(blocks)


def graded(backend: str = "torch") -> Empathy:
    """The network of bisnn: graded mirroring, vicarious affect, inhibitory pool, inhibition of tonic dopamine."""
    relay, sums = IF(floor=-0.5), IF(floor=-0.5, reset="subtract")
    low, high = (0, 20), (20, 40)
    sizes = {"emotion": 40, "perception": 40, "affect": 40, "sma": 10, "m1": 10, "inhibition": 20}
    areas = {name: Area(n=n, neuron=relay) for name, n in sizes.items()}
    areas["ifg"] = Area(n=50, neuron=sums)
    areas["dopamine"] = Area(n=24, neuron=IF(threshold=0.99, reset="subtract", floor=0.0))
    areas |= {"tpj": Area(n=20, neuron=sums), "afmc": Area(n=10, neuron=sums), "insula": Area(n=40, neuron=sums)}
    felt = _blocks((low, (0, 20), SHARE), ((0, 40), (20, 30), SHARE), (high, (30, 50), SHARE))
    expressed = _blocks((low, (0, 5), 2.0), (high, (5, 10), 2.0))
    shared = _blocks((low, (0, 5), 0.05), (high, (5, 10), 0.05))
    mirrored = _blocks(
        *(((i, i + 1), (i, i + 1), 0.6) for i in range(20)),
        *(((30 + i, 31 + i), (20 + i, 21 + i), 0.6) for i in range(20)),
    )
    circuit = Circuit(
        areas=areas,
        projections=(
            _link("emotion", "ifg", felt),
            _learned("perception", "ifg", PreTraceSTDP(rate=4e-5, depression=0.3), (-2.0 * SHARE, SHARE)),
            _link("inhibition", "ifg", OneToOne(-3.0, count=20)),
            _link("emotion", "affect", OneToOne(0.6)),
            _link("ifg", "affect", mirrored),
            _link("emotion", "sma", expressed),
            _link("affect", "sma", shared),
            _learned("perception", "sma", PreTraceSTDP(rate=-0.1), (-1.0, 4.0)),
            _link("sma", "m1", OneToOne(STRONG)),
            _link("ifg", "dopamine", _blocks(((0, 20), (0, 24), -0.025))),
            *_gate(low, high),
        ),
        backend=backend,
    )
    pain: dict[str, Range] = {
        "emotion": low,
        "perception": low,
        "ifg": (0, 20),
        "affect": low,
        "sma": (0, 5),
        "m1": (0, 5),
        "tpj": (0, 10),
        "insula": low,
    }
    neutral = {"emotion": high, "perception": high, "ifg": (30, 50), "affect": high, "sma": (5, 10), "m1": (5, 10)}
    neutral |= {"tpj": (10, 20), "insula": high}
    return Empathy(circuit=circuit, pain=pain, neutral=neutral, tonic=0.5, cycle=0.99, glance=12, held={"afmc": 1.0})


def _gate(low: Range, high: Range) -> tuple[Projection, ...]:
    """The projections to and from TPJ (equations: module docstring)."""
    pain, calm, seen, felt, held = (0, 10), (10, 20), 0.6, -0.75, -0.1
    recruited = (((0, 20), (j, j + 1), 0.055 + j * (0.03 / 9)) for j in range(10))

    def sides(weight: float) -> tuple[tuple[Range, Range, float], ...]:
        return (low, pain, weight), (high, calm, weight)

    return (
        _link("perception", "tpj", _blocks(*sides(seen), (high, pain, -seen), (low, calm, -seen))),
        _link("emotion", "tpj", _blocks(*sides(felt))),
        _link("tpj", "afmc", _blocks(*recruited)),
        _link("afmc", "ifg", Constant(-1.0)),
        _link("emotion", "insula", OneToOne(STRONG)),
        _link("affect", "insula", OneToOne(0.6)),
        _link("tpj", "insula", _blocks((pain, low, held), (calm, high, held))),
    )


def _reference(half: int, ifg: int, both: Range, felt: Initialiser, dopamine: bool) -> Empathy:
    """A reference network: `half` pain and `half` neutral cells, `both` the mirror cells that all emotions drive."""
    n, cell = 2 * half, IF()
    sizes = {"emotion": n, "perception": n, "ifg": ifg, "sma": 10, "m1": 10} | ({"dopamine": ifg} if dopamine else {})
    projections = [
        _link("emotion", "ifg", felt),
        _learned("perception", "ifg", PreTraceSTDP(rate=0.01), (-1.0, 4.0)),
        _link("emotion", "sma", _blocks(((0, half), (0, 5), 2.0), ((half, n), (5, 10), 2.0))),
        _learned("perception", "sma", PreTraceSTDP(rate=-0.1), (-1.0, 4.0)),
        _link("sma", "m1", OneToOne(STRONG)),
    ]
    if dopamine:
        projections.append(_link("ifg", "dopamine", OneToOne(STRONG)))
    circuit = Circuit(
        areas={name: Area(n=size, neuron=cell) for name, size in sizes.items()}, projections=tuple(projections)
    )
    shared = {"emotion": (0, half), "perception": (0, half), "sma": (0, 5), "m1": (0, 5)}
    others = {"emotion": (half, n), "perception": (half, n), "sma": (5, 10), "m1": (5, 10)}
    return Empathy(
        circuit=circuit, pain={**shared, "ifg": (0, both[0])}, neutral={**others, "ifg": (both[1], ifg)}, settle=0
    )


def bae_snn() -> Empathy:
    """The reference network with 40/40/50/10/10 cells (Feng, Zeng, Lu 2022)."""
    felt = _blocks(((0, 20), (0, 20), 2.0), ((0, 40), (20, 30), 2.0), ((20, 40), (30, 50), 2.0))
    return _reference(20, 50, (20, 30), felt, dopamine=False)


def bae_snn_24() -> Empathy:
    """The reference network with 24/24/50/10/10 cells and no shared mirror cells (Feng, Zeng 2022)."""
    felt = _blocks(((0, 12), (0, 25), 2.0), ((12, 24), (25, 50), 2.0))
    return _reference(12, 50, (25, 25), felt, dopamine=False)


def beead_snn() -> Empathy:
    """The reference network with 24/24/24/10/10 cells and 24 dopamine cells that relay IFG (Zhao et al. 2025).

    Own pain drives all 24 emotion cells; the expression of pain is on perception cells 0 to 11.
    """
    return _reference(12, 24, (24, 24), OneToOne(1.0), dopamine=True)


PRESETS = {"graded": graded, "bae_snn": bae_snn, "bae_snn_24": bae_snn_24, "beead_snn": beead_snn}
"""Network by name."""

EXAMPLES = tuple(preset() for preset in PRESETS.values())
