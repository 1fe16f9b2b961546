"""The mirror system: neurons, thresholds, learning, coincidence, criterion, against theory and counting."""

from dataclasses import replace

import pytest
import torch
from scipy import stats

from bisnn import rng
from bisnn.errors import ConfigError, UnknownName
from bisnn.gates import NO_GATES
from bisnn.neurons import Izhikevich
from bisnn.recording import Probe
from bisnn.systems import mirror_self
from bisnn.systems.mirror_self import CELL, FIRES, LEARNED, TRANSFORMS, UNIT, MirrorSelf, Scene, reaches

KEY = torch.arange(6)


@pytest.fixture(autouse=True)
def without_gradients():
    with torch.inference_mode():
        yield


def learned(body, key=KEY, gates=NO_GATES):
    return body.babble(body.init(key), body.babbling(key, gates), gates).weights[LEARNED]


def diagonal(weight, value):
    return (torch.eye(weight) * value).expand(len(KEY), weight, weight)


def followed(body, weight, contingency, trial=0):
    """A test and what met the prediction in it."""
    scene = body.test(KEY, trial, torch.full((len(KEY),), contingency))
    return scene, body.look(weight, KEY, scene)[0]


def test_the_neuron_is_that_of_the_source_in_other_units():
    """a 0.02, b 0.2, c -65, d 6, peak 30 (doi:10.1007/s12559-017-9505-1, released program): tonic spikes at 20."""
    source = Izhikevich(a=0.02, b=0.2, c=-65.0, d=6.0, peak=30.0, v_init=-70.0)
    ours, theirs = (cell.init((1,), torch.zeros((), dtype=torch.float64)) for cell in (CELL, source))
    assert float(ours.v) * UNIT == pytest.approx(-70.0, abs=1e-9)
    drive, spikes = torch.ones(1, dtype=torch.float64), []
    for _ in range(300):
        one, ours = CELL.step(ours, drive, 1.0)
        two, theirs = source.step(theirs, drive * UNIT, 1.0)
        assert torch.equal(one, two)
        assert float(ours.v) * UNIT == pytest.approx(float(theirs.v), abs=1e-6)
        spikes.append(float(one))
    assert sum(spikes) > 10


@pytest.mark.parametrize("delay", [0, 10, 30, 60])
def test_babbling_alone_learns_the_weight_that_theory_says(delay):
    body = MirrorSelf(bodies=1, delay=delay, rounds=8, angles=3)
    weight = learned(body)
    assert weight.diagonal(dim1=-2, dim2=-1) == pytest.approx(body.expected_weight, rel=2e-3, abs=1e-4)
    assert not weight[:, ~torch.eye(3, dtype=torch.bool)].any()


def test_the_temporal_window_of_learning():
    """20 rounds bridge 30 ms but not 35; more rounds bridge more, until (50 ms) one pairing gains less than is lost."""
    within, beyond = MirrorSelf(delay=30, angles=2, bodies=1), MirrorSelf(delay=35, angles=2, bodies=1)
    assert within.expected_weight > FIRES > beyond.expected_weight
    assert MirrorSelf(delay=35, rounds=40).expected_weight > FIRES
    assert MirrorSelf(delay=50, rounds=1000).expected_weight < 0.2
    assert MirrorSelf(delay=200).expected_weight < 0.05
    for body, sees in ((within, 1.0), (beyond, 0.0)):
        scene, met = followed(body, learned(body), 1.0)
        own = met.sum(-2).gather(-1, scene.own[:, None])
        assert own == pytest.approx(sees * body.actions, abs=1.0)


def test_contrast_has_to_lie_above_what_other_images_do_by_chance():
    """Two others hit each of two angles with p = 1 - (1/2)^2 = 0.75; with exp(-14/tau) (1 + p)/2 = 0.76 only the own
    is learned."""
    fires = {}
    for contrast in (0.5, 0.76):
        weight = learned(MirrorSelf(angles=2, contrast=contrast, rate=0.4))
        fires[contrast] = (weight > FIRES).double().mean(0)
    chance = ~torch.eye(2, dtype=torch.bool)
    assert float(fires[0.5][chance].mean()) > 0.5, "chance is learned: both angles are predicted"
    assert not fires[0.76][chance].any()
    assert float(fires[0.76].diagonal().mean()) == 1.0


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_every_mirror_is_learned_as_what_it_shows(transform):
    body = MirrorSelf(transform=transform, rounds=10, motor_noise=0.05)
    shown = body.mirrored(torch.arange(5))
    assert shown.sort().values.tolist() == list(range(5))
    weight = learned(body)
    assert torch.equal(weight.argmax(-1), shown.expand(len(KEY), 5))
    assert (weight.amax(-1) > FIRES).double().mean() > 0.5


def test_a_mirror_that_is_changed_after_babbling_no_longer_meets_the_prediction():
    weight, own = diagonal(5, 1.9), {}
    for transform in TRANSFORMS:
        scene, met = followed(MirrorSelf(transform=transform), weight, 1.0)
        own[transform] = met.sum(-2).gather(-1, scene.own[:, None])
    assert own["identity"].eq(10).all()
    assert not own["rotate"].any()  # no angle turns into itself
    assert own["reflect"].sum() == (followed(MirrorSelf(), weight, 1.0)[0].command == 2).sum()  # the middle one does


def test_mirrors_show_what_they_are_called():
    angle = torch.arange(5)
    assert MirrorSelf(transform="reflect").mirrored(angle).tolist() == [4, 3, 2, 1, 0]
    assert MirrorSelf(transform="rotate").mirrored(angle).tolist() == [1, 2, 3, 4, 0]


@pytest.mark.parametrize("delay", [0, 30, 90])
def test_the_insula_fires_for_every_image_that_meets_the_prediction_and_no_other(delay, monkeypatch):
    """Counted over all images and movements, also long after the movement, when vision has reached visual IPL too."""
    monkeypatch.setattr(mirror_self, "TAIL", 90)
    body = MirrorSelf(delay=delay)
    scene, met = followed(body, diagonal(5, 1.9), 0.5, KEY % 2)
    assert torch.equal(met, (scene.images == scene.command[..., None]).to(met))
    assert 0 < int(met.sum()) < met.numel()


def test_two_predictions_of_one_command_are_both_met():
    body, both = MirrorSelf(bodies=2, angles=3), torch.full((len(KEY), 3, 3), 1.9)
    scene, met = followed(body, both, 0.5)
    assert met.all()
    assert scene.images.unique().tolist() == [0, 1, 2]


def test_a_prediction_needs_a_weight_above_threshold():
    body = MirrorSelf()
    for value, fires in ((FIRES - 0.01, 0), (FIRES + 0.01, 1), (1.9, 1)):
        state = body.init(KEY)
        state = state._replace(weights={**state.weights, LEARNED: diagonal(5, value)})
        drive = {"vpmc": body._drive(KEY % 5, KEY[:, None] % 5, 30)["vpmc"]}
        _, seen = body.circuit.run(state, drive, steps=30, learning=False, probes=(Probe("ipl_v"),))
        assert seen["ipl_v.spikes"].sum(-2).tolist() == (torch.eye(5)[KEY % 5] * fires).tolist()


def test_acetylcholine_keeps_learned_synapses_from_teaching_themselves():
    """Strong synapses whose predictions never come true are unlearned while babbling, not confirmed by themselves."""
    body = MirrorSelf(bodies=1, rounds=1)
    scene = body.babbling(KEY)
    elsewhere = Scene(scene.command, (scene.command[..., None] + 1) % 5, scene.own)
    state = body.init(KEY)
    state = state._replace(weights={**state.weights, LEARNED: diagonal(5, 1.9).contiguous()})
    after = body.babble(state, elsewhere).weights[LEARNED].diagonal(dim1=-2, dim2=-1)
    assert after == pytest.approx(1.9 - body.rate * body.contrast, abs=0.01)
    awake = body.circuit.run(
        body.circuit.rest(state), body._drive(torch.zeros_like(KEY), torch.ones_like(KEY)[:, None], 30), steps=30,
        probes=(Probe("ipl_v"),),
    )[1]["ipl_v.spikes"].sum(-2)  # fmt: skip
    assert awake.tolist() == [[1.0, 1.0, 0.0, 0.0, 0.0]] * len(KEY)  # without it: predicted 0, then seen 1


def test_images_follow_as_often_as_contingency_says_and_levels_are_paired():
    body, key = MirrorSelf(), torch.arange(4000)
    seen, follows = {}, {}
    for contingency in (0.0, 0.4, 1.0):
        scene = body.test(key, 3, torch.full((4000,), contingency))
        own = scene.images.gather(-1, scene.own[:, None, None].expand(-1, 10, 1))[..., 0]
        seen[contingency], follows[contingency] = scene, own == scene.command
        p = contingency + (1 - contingency) / 5
        assert float(follows[contingency].double().mean()) == pytest.approx(p, abs=4 * 0.5 / 200)
    assert torch.equal(seen[0.0].command, seen[1.0].command)
    others = torch.arange(3) != seen[0.0].own[:, None]
    assert torch.equal(*(seen[q].images.movedim(-1, -2)[others] for q in (0.0, 1.0)))
    assert not (follows[0.4] & ~follows[1.0]).any()
    assert seen[0.0].own.bincount() / 4000 == pytest.approx(1 / 3, abs=0.04)


def test_motor_noise_executes_another_angle():
    body, key = MirrorSelf(motor_noise=0.3, rounds=40), torch.arange(200)
    scene = body.babbling(key)
    own = scene.images.gather(-1, scene.own[:, None, None].expand(*scene.command.shape, 1))[..., 0]
    assert float((own != scene.command).double().mean()) == pytest.approx(0.3, abs=0.01)
    assert scene.command.flatten().bincount().eq(40 * 200).all()
    slips = (own - scene.command)[own != scene.command] % 5
    assert slips.bincount() / len(slips) == pytest.approx([0.0, 0.25, 0.25, 0.25, 0.25], abs=0.02)


def test_shuffled_vision_keeps_base_rates_and_destroys_contingency():
    body, key = MirrorSelf(), torch.arange(100)
    own = []
    for shuffled in (0.0, 1.0):
        scene = body.babbling(key, NO_GATES._replace(shuffle={"vision": torch.full((100,), shuffled)}))
        own.append(scene.images.gather(-1, scene.own[:, None, None].expand(*scene.command.shape, 1))[..., 0])
    assert torch.equal(own[0], scene.command)
    assert torch.equal(own[0].sort(-1).values, own[1].sort(-1).values)
    assert float((own[1] == scene.command).double().mean()) == pytest.approx(0.2, abs=0.02)


def test_the_criterion_is_the_least_that_chance_seldom_reaches():
    for body in (MirrorSelf(), MirrorSelf(bodies=8, actions=25), MirrorSelf(angles=2), MirrorSelf(alpha=0.3)):
        least = body.criterion
        count = stats.binom(body.actions, 1 / body.angles)
        assert body.false_alarm(least) == pytest.approx(1 - count.cdf(least - 1) ** body.bodies)
        assert body.false_alarm(least) <= body.alpha < body.false_alarm(least - 1)
    assert MirrorSelf().criterion == 6  # of 10: 1 - P(Bin(10, 1/5) < 6)^3 = 0.019
    assert MirrorSelf().false_alarm(6) == pytest.approx(0.01899, abs=1e-5)
    assert MirrorSelf(actions=1).criterion == 2  # one movement never tells
    assert reaches(10, 0.3, 4) == pytest.approx(stats.binom.sf(3, 10, 0.3))


def test_chance_passes_the_criterion_as_often_as_derived():
    body, key = MirrorSelf(), torch.arange(20000)
    scene = body.test(key, 0, torch.zeros(20000))
    evidence = (scene.images == scene.command[..., None]).to(torch.float32).sum(-2)
    passed = float((evidence.amax(-1) >= body.criterion).double().mean())
    assert passed == pytest.approx(body.false_alarm(body.criterion), abs=4 * (0.019 / 20000) ** 0.5)


def test_the_verdict():
    body, key = MirrorSelf(), torch.arange(3000)
    rows = torch.tensor([[6.0, 5.0, 2.0], [5.0, 4.0, 2.0], [8.0, 8.0, 1.0], [0.0, 0.0, 0.0], [1.0, 2.0, 10.0]])
    verdict = body.judge(key[:5], 0, rows)
    assert verdict.chosen.tolist() == [0, -1, -1, -1, 2]
    assert verdict.forced[[0, 1, 4]].tolist() == [0, 0, 2]
    forced = body.judge(key, 1, torch.tensor([8.0, 8.0, 1.0]).expand(3000, 3)).forced
    assert forced.bincount(minlength=3) / 3000 == pytest.approx([0.5, 0.5, 0.0], abs=0.04)
    assert torch.equal(forced[7:8], body.judge(key[7:8], 1, torch.tensor([[8.0, 8.0, 1.0]])).forced)


def test_an_individual_is_the_same_alone_and_in_a_batch():
    body = MirrorSelf(rounds=2, actions=3)
    together, alone = learned(body), learned(body, KEY[4:5])
    assert together.any()
    assert torch.equal(together[4:5], alone)
    trial, level = torch.tensor([[0, 5]]), torch.full((1, 2), 0.5)
    single = body.test(KEY[4:5, None].expand(1, 2), trial, level)
    batch = body.test(KEY[:, None].expand(6, 2), trial.expand(6, 2), level.expand(6, 2))
    assert all(torch.equal(a, b[4:5]) for a, b in zip(single, batch, strict=True))
    weight = diagonal(5, 1.9)[:, None].expand(6, 2, 5, 5)
    met, _ = body.look(weight, KEY[:, None].expand(6, 2), batch)
    assert torch.equal(met[4:5], body.look(weight[4:5], KEY[4:5, None].expand(1, 2), single)[0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bodies", 0), ("angles", 1), ("actions", 0), ("rounds", 0), ("delay", -1), ("motor_noise", 1.5), ("tau", 0.0),
        ("contrast", 1.0), ("alpha", 0.0), ("rate", -1.0), ("bodies", 1.5),
    ],
)  # fmt: skip
def test_fields_that_cannot_be_used_are_refused(field, value):
    with pytest.raises(ConfigError, match=field):
        replace(MirrorSelf(), **{field: value})


def test_an_unknown_mirror_lists_those_that_exist():
    with pytest.raises(UnknownName, match="identity, reflect, rotate"):
        MirrorSelf(transform="invert")


def test_streams_are_the_individuals_own():
    """No draw depends on the arm: scenes of the same seed are equal, those of another differ."""
    body = MirrorSelf()
    one, two = body.babbling(torch.tensor([3, 3])), body.babbling(torch.tensor([4, 3]))
    assert torch.equal(one.images[0], one.images[1])
    assert torch.equal(one.images[1], two.images[1])
    assert not torch.equal(two.images[0], two.images[1])
    assert rng.keys(3) == 3
