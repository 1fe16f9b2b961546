"""Bad and odd input of the experiments of trials: what is wrong is refused in one sentence, what is odd is run."""

import shutil
import subprocess
import sys

import pytest

from bisnn.errors import ConfigError
from bisnn.experiments import base, runner
from bisnn.experiments.cli import _sentence, main
from bisnn.experiments.commands.flags import _plain
from bisnn.experiments.engine import workers
from bisnn.experiments.engine.gather import LONGEST, file_name
from bisnn.experiments.engine.worker import told
from bisnn.experiments.figures.competence import regret
from bisnn.experiments.figures.injury import injury
from bisnn.experiments.figures.self_experience import rescue
from bisnn.experiments.ranges import numbers
from bisnn.interventions import parse
from bisnn.plots import style

FULL = "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."


def refused(argv, folder, said):
    """The one sentence with which a run is refused; nothing is printed or written."""
    assert main(["run", *argv, "--out", str(folder)]) == 2
    out, err = said.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert not folder.exists()
    return err


def configured(name, **values):
    """Settings of the experiment `name`."""
    return base.configure(base.find(name), values)


@pytest.fixture
def undrawn(monkeypatch):
    """Runs without their figures, which a test draws by itself."""
    monkeypatch.setattr(runner, "draw", lambda *args: [])


# ------------------------------------------------------------ wrong use


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["agency", "--motor-noise", "nan:1:3"], "bisnn: motor_noise = (nan, nan, nan): give probabilities"),
        (["competence", "--practice", "0.9"], "bisnn: practice = 0.9 and drop_at = 0.666667 of 600 trials leave"),
        (["injury", "--kinds", "long"], "bisnn: no kind of injury 'long'; kinds: short, over, inverted"),
        (["mirror-test", "--contingency", "-4:4"], "bisnn: contingency = ('-4:4',): give one or more probabilities"),
        (["injury", "--record", "9" * 30], "less than or equal to 100000"),
        (["competence", "--ablate", "clamp:dopamine=1e39"], "clamp 1e+39 of dopamine is no number that can be used"),
        (["agency", "--ablate", "drive:felt=-1e300"], "drive -1e+300 of felt is no number that can be used"),
        (["agency", "--ablate", "clamp:felt=1+clamp:FELT=0"], "gives FELT two numbers under clamp; choose one"),
    ],
)
def test_a_wrong_flag_is_one_sentence_and_nothing_is_written(argv, words, tmp_path, capsys):
    assert words in refused(argv, tmp_path / "run", capsys)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("agency", "delay = [[1]]"),
        ("agency", "delay = [true]"),
        ("agency", "lesion = true"),
        ("agency", "arms = 3"),
        ("injury", "kinds = 3"),
        ("body-schema", "change = 3"),
        ("self-experience", "cost = [true, false]"),
    ],
)
def test_another_type_in_a_file_is_wrong_use_not_a_mistake_in_bisnn(name, line, tmp_path, capsys):
    file = tmp_path / "run.toml"
    file.write_text(line)
    said = refused([name, "--config", str(file)], tmp_path / "run", capsys)
    assert f"{file}: {line.split(' ')[0]} = " in said
    assert "mistake in bisnn" not in said


def test_a_flag_without_a_value_is_told_alike_where_boxes_are_drawn_in_ascii():
    fine = "╭─ Parsing error ─╮\n│ Missing value for '--seeds'. │\n│ ──── │\n│ For full helptext │\n╰────╯"
    bare = "Parsing error\n-----\nMissing value for '--seeds'.\n-----\nFor full helptext"
    assert _plain(fine) == _plain(bare) == "missing value for '--seeds'"


def test_an_ablation_names_each_target_once_under_a_verb_with_numbers():
    for text in ("gain:a->b=1+gain:A->B=2", "drive:a=1+drive:a=1"):
        with pytest.raises(ConfigError, match="two numbers"):
            parse(text)
    assert parse("drive:a=1+clamp:a=0").drive == {"a": 1.0}


# ------------------------------------------------------------ odd, but right


def test_choices_are_read_in_any_case_and_one_number_is_a_list_of_one():
    assert configured("injury", kinds="SHORT,Over").kinds == ("short", "over")
    assert configured("body-schema", change=("Tool", "tool")).change == ("tool",)
    assert configured("injury", severity=2).severity == (2,)
    assert configured("mirror-test", contingency=0.5).contingency == (0.5,)
    assert numbers(0.25) == (0.25,)
    with pytest.raises(ValueError, match="number is due"):
        numbers([0.1, None])


def test_the_file_of_a_long_arm_fits_any_file_system():
    arms = ["+".join(f"cut:here->there{number}" for number in range(60)) + end for end in ("", "+silence:here")]
    names = {file_name(arm, 99_999, "subject") for arm in arms}
    assert len(names) == 2
    assert all(len(name) < LONGEST + 60 for name in names)
    assert file_name("silence:sts", 3) == "silence_sts-3"


def test_a_long_arm_is_two_lines_in_a_figure():
    long = "cut:situation->episode+cut:action->episode+cut:septum->episode+silence:pain"
    lines = style.arm_name(long).split("\n")
    assert lines[0] == "cut:situation->episode +"
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert max(map(len, lines)) <= style.WIDEST
    assert style.arm_name(style.arm_name("silence:felt+silence:missing")) == style.arm_name(
        "silence:felt+silence:missing"
    )
    assert [style.arm_name(name) for name in ("intact", "no_felt")] == ["intact", "no felt"]


def test_many_ablations_at_once_and_the_arm_that_a_figure_describes(undrawn, tmp_path, capsys):
    areas = base.find("injury").targets(configured("injury")).areas
    arm = "+".join(f"silence:{area.upper()}" for area in areas)
    argv = ["--seeds", "1", "--episodes", "1", "--steps", "20", "--arms", "intact", "--ablate", arm]
    assert main(["run", "injury", *argv, "--out", str(tmp_path / "run"), "--workers", "1"]) == 0
    assert "injury: 2 arms (intact, silence:COMMAND+" in capsys.readouterr().err
    view = runner.load_run(tmp_path / "run")
    assert len(view.recordings) == 2
    assert view.summary["arm"] == arm
    figure = injury(view)
    figure.canvas.draw()  # a layout that collapses is a warning, and so an error here
    assert figure.get_supxlabel().startswith("a, c, d: silence:COMMAND +\n")


def test_a_gain_is_an_arm_of_the_figure_of_competence(undrawn, tmp_path):
    given = {"seeds": 1, "episodes": 30, "record": 0, "arms": ("gain",), "ablate": ("gain:own->competence=0.5",)}
    view = runner.run("competence", tmp_path / "run", **given)
    figure = regret(view)
    named = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert named == ["intact", "gain:own->competence=0.5"]


def test_every_number_of_experiences_has_room_in_the_figure(undrawn, tmp_path):
    given = {"seeds": 1, "episodes": 1, "record": 0, "arms": ("intact",), "distances": "0,1", "cost": "0.1,1"}
    view = runner.run("self-experience", tmp_path / "run", **given, experiences="0:24")
    rescue(view).savefig(tmp_path / "rescue.png")


# ------------------------------------------------------------ the machine


def test_a_resumed_run_sweeps_what_a_killed_writer_left(undrawn, tmp_path):
    given = {"seeds": 1, "episodes": 40, "record": 0, "arms": ("intact",)}
    done = runner.run("bodily-self", tmp_path / "run", **given)
    left = [tmp_path / "run" / part / ".arms.pdf.0a1b2c.tmp" for part in ("", "figures", "recordings")]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert runner.run("bodily-self", tmp_path / "run", **given, resume=True).manifest.hash == done.manifest.hash
    assert not [path for path in left if path.exists()]


def test_the_pipe_of_a_worker_is_closed(monkeypatch, tmp_path):
    started, popen = [], subprocess.Popen

    def kept(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[-1]

    nothing = shutil.which("true")
    if nothing is None:
        pytest.skip("this system has no command that does nothing")
    monkeypatch.setattr(workers.subprocess, "Popen", kept)
    monkeypatch.setattr(sys, "executable", nothing)
    workers.run(["a", "b"], tmp_path, 2, lambda shard, done, total: None)
    assert [process.stdout.closed for process in started] == [True, True]


def test_memory_that_ran_out_is_told_as_such():
    for error in (MemoryError(), RuntimeError(FULL)):
        assert "run fewer --seeds or --workers" in _sentence(error)
        assert "run fewer --seeds or --workers" in str(told(error, "subject-0")["message"])
    assert "mistake in bisnn" in _sentence(RuntimeError("a plain one"))


def test_an_ablation_in_two_spellings_is_one_arm():
    settings = configured("rubber-hand", lesion=("tpj", "TPJ"))
    assert [one.name for one in base.find("rubber-hand").conditions(settings)][-1] == "silence:tpj"
    assert len({one.name.lower() for one in base.find("rubber-hand").conditions(settings)}) == len(
        base.find("rubber-hand").conditions(settings)
    )


@pytest.mark.parametrize("named", ["", "  ", "a\0b"])
def test_an_out_that_no_folder_can_have_is_refused(named, capsys):
    assert main(["run", "injury", f"--out={named}"]) == 2
    assert "names no folder" in capsys.readouterr().err
