"""Small datasets in their official layouts, made of tiny images; names are of mixed case."""

import csv
from pathlib import Path

import cv2
import numpy as np
from openpyxl import Workbook
from PIL import Image
from scipy.io import savemat


def picture(file: Path, shade: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 3), (shade % 256, 90, 30)).save(file)


def write_csv(file: Path, *rows) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as opened:
        csv.writer(opened).writerows(rows)
    return file


def kadid10k(root: Path) -> None:
    rows = []
    for reference in ("I01", "I02"):
        picture(root / "Images" / f"{reference}.png")
        for kind in (1, 9, 25):
            for level in range(1, 6):
                name = f"{reference}_{kind:02d}_{level:02d}.png"
                picture(root / "Images" / (name.upper() if level == 3 else name), level)
                rows.append((name, f"{reference}.png", f"{5 - level * 0.75:.2f}", "0.5"))
    write_csv(root / "dmos.csv", ("dist_img", "ref_img", "dmos", "var"), *rows)


def tid2013(root: Path) -> None:
    lines = []
    for reference in ("01", "25"):
        picture(root / "reference_images" / ("I01.BMP" if reference == "01" else "i25.bmp"))
        for kind in range(1, 25):
            for level in range(1, 6):
                picture(root / "distorted_images" / f"i{reference}_{kind:02d}_{level}.bmp", level)
                lines.append(f"{7 - level * 1.25:.5f} I{reference}_{kind:02d}_{level}.bmp\n")
    (root / "mos_with_names.txt").write_text("".join(lines))


CSIQ = {"noise": "AWGN", "jpeg": "JPEG", "jpeg 2000": "jpeg2000", "fnoise": "fnoise",
        "blur": "BLUR", "contrast": "contrast"}  # fmt: skip


def csiq(root: Path) -> None:
    book = Workbook()
    book.active.title = "readme"
    sheet = book.create_sheet("all_by_image")
    sheet.append([None, None, "CSIQ image quality database"])
    sheet.append([])
    heads = ["image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"]
    sheet.append([None, None, None, *heads])
    for image in (1600, "swarm"):
        picture(root / "src_imgs" / f"{image}.png")
        for index, (word, label) in enumerate(CSIQ.items(), start=1):
            for level in range(1, 1 + (5 if label != "contrast" else 4 if image == 1600 else 3)):
                folder = label.lower()
                picture(root / "dst_imgs" / folder / f"{image}.{label}.{level}.png", level)
                sheet.append([None, None, None, image, index, word, level, 0.05, level / 5 - 0.1])
    book.save(root / "csiq.DMOS.xlsx")


LIVE = {"jp2k": 227, "jpeg": 233, "wn": 174, "gblur": 174, "fastfading": 174}
COPY = 5  # every fifth image is a copy of its reference here; in the release 203 are


def live(root: Path, realigned: bool = True) -> None:
    references, names, copies = ("bikes.bmp", "Woman.bmp"), [], []
    for reference in references:
        picture(root / "refimgs" / reference.lower())
    for folder, count in LIVE.items():
        lines = []
        for number in range(1, count + 1):
            picture(root / folder / f"img{number}.bmp", number)
            names.append(references[number % 2])
            copies.append(int(number % COPY == 0))
            lines.append(f"{names[-1]} img{number}.bmp {number / 100:.4f}\n")
        (root / folder / "info.txt").write_text("".join(lines) + "\n")
    scores = np.linspace(-2, 105, len(names))
    orgs = np.array(copies, np.uint8)
    savemat(root / "dmos.mat", {"dmos": scores * 0.8, "orgs": orgs})
    if realigned:
        savemat(root / "dmos_realigned.mat", {"dmos_new": scores, "orgs": orgs})
    savemat(root / "refnames_all.mat", {"refnames_all": np.array(names, object)})


LVQ = ("awgn", "defocus_blur", "motion_blur", "smoke", "uneven_illum")
VIDEO_FRAMES = 20


def video(file: Path, red: int) -> None:
    """Write a video whose frame n has red as given, green 10 n and blue 0."""
    file.parent.mkdir(parents=True, exist_ok=True)
    form = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(file), form, 25, (32, 16))
    for number in range(VIDEO_FRAMES):
        writer.write(np.full((16, 32, 3), (0, 10 * number, red), np.uint8))
    writer.release()


def lvq(root: Path) -> None:
    rows = []
    for folder in LVQ:
        for source in (1, 2):
            for level in range(1, 5):
                name = f"{folder}/video{source}_{level}.avi"
                video(root / name.replace("video2", "Video2"), 60 * level)
                rows.append((name, 3 - level * 0.6))
    write_csv(root / "lvq_scores.csv", ("video", "score"), *rows)


def biq2021(root: Path) -> None:
    for part, numbers in {"Train": range(1, 5), "Test": range(5, 7)}.items():
        rows = [(f"ss0{1 + n % 3} ({n}).jpg", n / 10) for n in numbers]
        for name, _ in rows:
            picture(root / "Images" / name.replace("5).jpg", "5).JPG"))
        write_csv(root / f"{part} (Images and MOS).csv", ("Image Name", "MOS"), *rows)


def kadis700k(root: Path) -> None:
    names = ("a-fleshy-plant.png", "lake.png", "bridge.png")
    for name in names:
        picture(root / "ref_imgs" / name)
    heads = ("ref_im", "dist_type_1", "dist_type_2")
    write_csv(root / "kadis700k_ref_imgs.csv", heads, *((name, 1, 2) for name in names))


def table(root: Path) -> None:
    rows = []
    for reference in ("lake", "bridge"):
        picture(root / "clean" / f"{reference}.png")
        rows.append((f"clean/{reference}.png", 9, "", "", ""))
        for level in (1, 2, 3):
            picture(root / f"{reference}_{level}.PNG")
            cells = (f"{reference}_{level}.png", 8 - level, f"clean/{reference}.png", "jpeg", level)
            rows.append(cells)
    write_csv(root / "mine.csv", ("image", "score", "reference", "distortion", "level"), *rows)


BUILDERS = {
    build.__name__: build
    for build in (kadid10k, tid2013, csiq, live, lvq, biq2021, kadis700k, table)
}
