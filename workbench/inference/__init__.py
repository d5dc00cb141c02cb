"""A finished model at work: quality, strengths and attributes of an image, and why.

from workbench.inference import load_model
model = load_model("exported")
print(model.score("photo.jpg").quality)
"""

from workbench.inference.model_files import model_folder, run_folder, save_model
from workbench.inference.quality_model import QualityModel, load_model

__all__ = ["QualityModel", "load_model", "model_folder", "run_folder", "save_model"]
