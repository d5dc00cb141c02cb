"""A result as small as one can be."""

from workbench.domain.config import DataConfig, RunConfig
from workbench.domain.metrics import IdentificationMetrics, QualityMetrics, Undefined
from workbench.domain.run import EncoderFacts, Predictions, Protocol, RunResult

CONFIG = RunConfig(data=DataConfig(distortions=("jpeg",)))


def result_of(run):
    """The result of a run that measured nothing."""
    none = Undefined(undefined="nothing was measured")
    figures = dict.fromkeys(IdentificationMetrics.model_fields, none)
    identification = IdentificationMetrics(**figures)
    return RunResult(
        version=run.version,
        attributes="a" * 64,
        attribute_count=1,
        config_hash=run.config.hash,
        encoder=EncoderFacts(
            name="offline",
            weights="random",
            trained=False,
            image_size=64,
            embedding_width=8,
            image_parameters=100,
        ),
        protocol=Protocol(
            dataset="none",
            data_hash="d" * 64,
            target="VSI",
            distortions=("jpeg",),
            split="none",
            crop="none",
            images=0,
            photographs=0,
        ),
        quality=QualityMetrics(**dict.fromkeys(QualityMetrics.model_fields, none)),
        identification=identification,
        all_clean=identification,
        predictions=Predictions(
            image=(), photograph=(), distortion=(), level=(), target=(), predicted=()
        ),
        duration_s=0.0,
        environment={},
    )
