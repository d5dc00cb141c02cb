"""Runs set side by side by what each was trained on and what it was tested on."""

from workbench.domain.canonical import Frozen
from workbench.domain.comparison import QuotedRow
from workbench.domain.metrics import IdentificationMetrics, Metric, QualityMetrics, Undefined
from workbench.domain.run import EncoderFacts, Protocol


class TrainedOn(Frozen):
    """A row of the matrix: one finished run.

    Attributes:
        run: Its number.
        label: What people call it; distinct within a matrix.
        version: Hash of the version it ran.
        encoder: The encoder that read the images.
        tuning: How the tower was tuned, in words.
        seeds: Of training and splits, in words.
        splits: Number of splits that its own held-out figures come from.
        protocol: The terms of its own held-out figures.
        differences: In what it differs from the first row apart from its data, in words.
    """

    run: int
    label: str
    version: str
    encoder: EncoderFacts
    tuning: str
    seeds: str
    splits: int
    protocol: Protocol
    differences: tuple[str, ...] = ()


class TestedOn(Frozen):
    """A column of the matrix: one set of images.

    Attributes:
        label: What people call it; distinct within a matrix.
        dataset: What the images are, in words.
        data_hash: SHA-256 over images, labels and targets.
    """

    __test__ = False  # no class of tests

    label: str
    dataset: str
    data_hash: str


class MatrixCell(Frozen):
    """One run tested on one set of images.

    Attributes:
        run: The row.
        tested_on: Label of the column.
        held_out: True for the run's own data, whose figures are those of held-out photographs.
        images: Number of images that quality is judged on.
        identified: Number of images that identification is judged on; None where nobody counted.
        types: Number of distortions that both know.
        identification: Strengths of those distortions; undefined if there are none.
        all_clean: The baseline that predicts strength 0 everywhere.
        frozen: Quality with the features frozen and the regressor trained on the tested data's
            folds; on its own data the run's held-out figures.
        zero_shot: Quality with nothing trained on the tested data; on its own data the same.
    """

    run: int
    tested_on: str
    held_out: bool
    images: int
    identified: int | None = None
    types: int
    identification: IdentificationMetrics | Undefined
    all_clean: IdentificationMetrics | Undefined
    frozen: QualityMetrics
    zero_shot: QualityMetrics


class PublishedPair(Frozen):
    """A figure of the paper beside a run's own; neither is tested against the other.

    Attributes:
        table: Name of the published table ("exiqa-table-2").
        figure: "accuracy", "RMSE", "SRCC" or "PLCC".
        trained_on, tested_on: Data sets, as the paper names them.
        run: Whose figure `ours` is.
        ours: Median over the run's splits; a transfer has one figure.
        values: Of each split, in their order; empty for a transfer and for older results.
        images: Number of images that `ours` comes from.
        seeds: In words.
        protocol: Terms of `ours`, in words.
        theirs: As printed.
        theirs_protocol: Terms of `theirs`, as far as the paper states them.
        differences: Why the two cannot be compared.
        remark: What must be known of the printed figure.
    """

    table: str
    figure: str
    trained_on: str
    tested_on: str
    run: int
    ours: Metric
    values: tuple[Metric, ...] = ()
    images: int
    seeds: str
    protocol: str
    theirs: float
    theirs_protocol: str
    differences: tuple[str, ...]
    remark: str = ""


class TransferMatrix(Frozen):
    """Runs by what they were trained on and tested on, in the shape of Tables IV and V.

    Attributes:
        trained_on: Rows, one for each run, in the order in which they were named.
        tested_on: Columns, in the order in which the runs meet them.
        cells: Those that there are, by row and then by column; a run need not be tried on all data.
        quoted: Published figures beside, marked as quoted; nothing is tested against them.
        published: Figures of the paper that a run reproduces, beside the run's own.
    """

    trained_on: tuple[TrainedOn, ...]
    tested_on: tuple[TestedOn, ...]
    cells: tuple[MatrixCell, ...]
    quoted: tuple[QuotedRow, ...] = ()
    published: tuple[PublishedPair, ...] = ()

    def cell(self, run: int, tested_on: str) -> MatrixCell | None:
        """Return one cell; None if the run was not tried on these images."""
        return next((c for c in self.cells if (c.run, c.tested_on) == (run, tested_on)), None)
