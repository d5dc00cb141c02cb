"""Tables under a name: the real commands in this process, in a home of their own."""

import json

import pytest

from tests.datasets.layouts import picture, write_csv
from workbench.datasets.adapters import dataset_adapter, registered_tables
from workbench.datasets.labelled import Present
from workbench.errors import DataError, UnknownNameError


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def command(home, workbench):
    """Return a function of a command that must end well; it gives the JSON document."""

    def answer(*arguments):
        status, out, err = workbench("datasets", *arguments, "--json")
        assert (status, err) == (0, "")
        return json.loads(out)

    return answer


@pytest.fixture
def ratings(built):
    return built("table") / "mine.csv"


def test_a_table_is_a_dataset_from_its_import_on(command, ratings, home):
    document = command("import", ratings, "--low", 0, "--high", 9)
    assert document["dataset"] == "mine"
    assert {"images", "references", "distortions", "score_range", "polarity", "problems"} <= set(
        document
    )
    listed = command("list")[-1]
    assert (listed["name"], listed["images"], listed["references"]) == ("mine", 8, 2)
    assert (listed["score_range"], listed["file"]) == ([0, 9], str(ratings))
    assert command("check", "mine")["problems"] == []
    dataset = dataset_adapter("mine", home).open(None)
    assert (dataset.facts.name, dataset.facts.score_range) == ("mine", (0, 9))
    assert dataset.images[1].present == (Present("jpeg", 1, 3),)
    assert dataset.path(dataset.images[1]).is_file()


def test_columns_and_direction_stay_those_that_the_import_states(command, ratings, home):
    head = "photo,reference,distortion,level,verdict"
    lines = ratings.read_text().splitlines()
    names = lines[0].split(",")
    order = [names.index(name) for name in ("image", "reference", "distortion", "level", "score")]
    rows = [",".join(line.split(",")[at] for at in order) for line in lines[1:]]
    ratings.write_text("\n".join([head, *rows, ""]))
    stated = ("--column", "image=photo", "--column", "score=verdict", "--lower-is-better")
    document = command("import", ratings, *stated)
    assert document["stated_columns"] == {"image": "photo", "score": "verdict"}
    listed = command("list")[-1]
    assert (listed["score"], listed["polarity"]) == ("verdict", "lower is better")
    assert command("check", "mine")["problems"] == []
    assert len(dataset_adapter("mine", home).open(None).images) == 8


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--column", "picture=photo"), 1, "Unknown field 'picture'."),
        (("--column", "image"), 1, "--column image: give each field one column, such as score=MOS"),
        (("--column", "image=a", "--column", "image=b"), 1, "give each field one column"),
        (("--low", "1_0"), 2, "'1_0' is no number"),
        (("--high", "nan"), 2, "'nan' is no number"),
    ],
)
def test_what_is_stated_wrongly_of_a_table_is_refused(
    workbench, ratings, home, options, status, message
):
    got, _, err = workbench("datasets", "import", ratings, *options)
    assert (got, message in " ".join(err.split())) == (status, True)
    assert registered_tables(home) == {}


def test_a_table_in_a_workbench_of_before_is_still_read(command, ratings, home):
    command("import", ratings)
    file = home / "attribute_db" / "tables" / "mine.json"
    document = json.loads(file.read_text())
    del document["columns"]  # unknown to earlier programs
    file.write_text(json.dumps(document))
    assert len(dataset_adapter("mine", home).open(None).images) == 8


def test_a_cell_prints_as_one_line_without_commands_to_the_terminal(workbench, ratings, home):
    text = ratings.read_text()
    ratings.write_text(
        text.replace("\n", ",x\n").replace(",x\n", ",note\n", 1) + 'a,b,c,d,e,"\x1b[2J\n"\n'
    )
    _, out, _ = workbench("datasets", "import", ratings, "--dry-run")
    assert "\x1b" not in out


def test_a_dry_run_registers_nothing(command, ratings, home):
    assert command("import", ratings, "--dry-run")["dataset"] is None
    assert registered_tables(home) == {}


def test_a_bad_row_registers_nothing_and_is_one_line_on_stderr(workbench, ratings, home):
    ratings.write_text(ratings.read_text() + "none.png,3,,,\n")
    for options in ((), ("--dry-run",)):
        status, out, err = workbench("datasets", "import", ratings, *options)
        assert status == 1
        assert "problem: line 10: image 'none.png' is missing" in out
        assert err == (
            f"workbench: {ratings} has 1 problem, so nothing was registered. Mend the rows that "
            "stdout names, and import it again.\n"
        )
    assert registered_tables(home) == {}


def test_the_range_stays_that_of_the_import_when_rows_are_added(command, ratings, home):
    command("import", ratings)
    before = dataset_adapter("mine", home).open(None).images[0].quality
    picture(ratings.parent / "new.png")
    rows = ratings.read_text()
    ratings.write_text(f"{rows}new.png,6,,,\n")
    assert dataset_adapter("mine", home).open(None).images[0].quality == before
    ratings.write_text(f"{rows}new.png,12,,,\n")
    with pytest.raises(DataError, match="score 12 is out of the stated range, 5 to 9"):
        dataset_adapter("mine", home).open(None)


def test_images_that_moved_are_found_below_another_root(command, ratings, home, tmp_path):
    command("import", ratings)
    ratings.parent.joinpath("clean").rename(tmp_path / "clean")
    for file in ratings.parent.glob("*.PNG"):
        file.rename(tmp_path / file.name)
    assert len(dataset_adapter("mine", home).open(str(tmp_path)).images) == 8
    with pytest.raises(DataError, match="8 bad rows, so nothing was read"):
        dataset_adapter("mine", home).open("")


def test_the_same_file_imported_again_holds_with_what_is_said_last(command, ratings):
    command("import", ratings, "--low", 0, "--high", 9)
    command("import", ratings, "--low", 0, "--high", 10)
    assert command("list")[-1]["score_range"] == [0, 10]


def test_a_name_is_taken_once_unless_it_is_replaced(command, workbench, ratings, tmp_path):
    command("import", ratings, "--name", "my_ratings")
    command("import", ratings, "--name", "my_ratings")  # the same again is no other table
    write_csv(tmp_path / "two.csv", ("image", "score"), ("table/lake_1.PNG", 1),
              ("table/lake_2.PNG", 2))  # fmt: skip
    status, _, err = workbench("datasets", "import", tmp_path / "two.csv", "--name", "my_ratings")
    assert status == 1
    assert "Another table is registered as 'my_ratings'" in err
    assert "--replace" in err
    command("import", tmp_path / "two.csv", "--name", "my_ratings", "--replace")
    assert command("check", "my_ratings")["images"] == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("kadid10k", "'kadid10k' is a dataset of the workbench. Give the table another name"),
        ("../mine", "'../mine' cannot name a dataset; give --name with small letters"),
        ("", "'' cannot name a dataset"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(home, workbench, ratings, name, message):
    status, out, err = workbench("datasets", "import", ratings, "--name", name)
    assert (status, out) == (1, "")
    assert message in err
    assert registered_tables(home) == {}


def test_a_table_is_removed_and_its_files_stay(command, workbench, ratings):
    command("import", ratings)
    assert command("remove", "mine") == {"dataset": "mine"}
    assert ratings.is_file()
    status, _, err = workbench("datasets", "check", "mine")
    assert (status, err.split(".")[0]) == (1, "workbench: Unknown dataset 'mine'")
    status, _, err = workbench("datasets", "remove", "mine")
    assert (status, err) == (
        1, "workbench: Unknown registered table 'mine'. There is none yet.\n"
    )  # fmt: skip


def test_a_damaged_registration_says_what_to_do_and_harms_no_other_dataset(
    command, workbench, ratings, home
):
    command("import", ratings)
    (home / "attribute_db" / "tables" / "mine.json").write_text("{")
    with pytest.raises(DataError, match=r"mine\.json is no registered table .*--replace"):
        dataset_adapter("mine", home)
    assert dataset_adapter("kadid10k", home).facts.name == "kadid10k"
    command("import", ratings, "--replace")
    assert command("check", "mine")["images"] == 8


def test_a_table_that_was_taken_away_says_where_it_was(command, ratings, home):
    command("import", ratings)
    ratings.unlink()
    with pytest.raises(DataError, match=r"mine\.csv cannot be read: No such file"):
        dataset_adapter("mine", home).open(None)


def test_a_near_miss_of_a_name_is_offered(command, ratings, home):
    command("import", ratings, "--name", "my_ratings")
    with pytest.raises(UnknownNameError, match="Did you mean 'my_ratings'"):
        dataset_adapter("my-rating", home)


def test_a_dataset_without_a_root_asks_for_one(workbench, home):
    for command in (("check", "kadid10k"), ("split", "kadid10k", "--to", home)):
        status, out, err = workbench("datasets", *command)
        assert (status, out) == (1, "")
        assert err.startswith("workbench: KADID-10k needs the folder that its files lie below")
        assert "data.root" in err


def test_check_counts_the_references_that_the_import_counts(command, ratings):
    pairs = ratings.with_name("pairs.csv")
    for name in ("a.png", "b.png", "c.png"):
        picture(pairs.with_name(name))
    rows = [("a.png", "b.png", 1), ("a.png", "c.png", 2)]
    write_csv(pairs, ("ref_name", "dist_name", "mos"), *rows)
    imported, checked = command("import", pairs, "--dry-run"), command("check", "table", pairs)
    assert imported["references"] == checked["references"] == 1
