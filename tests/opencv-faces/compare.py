"""Darkroom's faces beside OpenCV's with the models as they were published, on the same pictures. See `run`."""

import json
import os
import pathlib
import subprocess
import sys

import cv2
import numpy as np

from opencv_models import weights

# What is demanded: of pictures with one face each, how far boxes, landmarks and embeddings may be apart.
SCORE = 0.01
PIXELS = 1.0
COSINE = 0.98
MEAN_COSINE = 0.995

# Pixels of a picture that Darkroom looks at once and as it is: neither enlarged nor at two sizes.
SIDE = 160


def prepared(pictures, work):
    """The pictures as PNG, with as many pixels as a square of SIDE."""
    paths = []
    for source in sorted(path for path in pictures.rglob("*") if path.is_file()):
        image = cv2.imread(str(source))
        if image is None:
            continue
        scale = SIDE / np.sqrt(image.shape[0] * image.shape[1])
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        path = work / "pictures" / f"{len(paths):05}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), image)
        paths.append(path)
    return paths


def darkrooms(binary, data, work):
    out = work / "out"
    command = [binary, "--data-dir", data, "run", "faces", work / "pictures", "--which", "first", "--out", out]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    return {pathlib.Path(row["source"]).name: row["result"]["faces"] for row in rows if row["state"] == "succeeded"}


def main(binary, data, pictures, work):
    work = pathlib.Path(work)
    paths = prepared(pathlib.Path(pictures), work)
    ours = darkrooms(binary, data, work)
    detector = cv2.FaceDetectorYN.create(weights("yunet", work), "", (320, 320), 0.7, 0.3, 5000)
    recognizer = cv2.FaceRecognizerSF.create(weights("sface", work), "")
    both, only_ours, only_theirs, scores, pixels, cosines = 0, [], [], [], [], []
    for path in paths:
        image = cv2.imread(str(path))
        detector.setInputSize((image.shape[1], image.shape[0]))
        _, found = detector.detect(image)
        mine = ours[path.name]
        if found is None or not mine:
            if mine:
                only_ours.append((path.name, mine[0]["score"]))
            if found is not None:
                only_theirs.append((path.name, float(found[0][14])))
            continue
        both += 1
        face, theirs = mine[0], max(found, key=lambda row: row[14])
        marks = face["landmarks"]
        order = ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")
        points = np.array([marks[name] for name in order])
        scores.append(abs(face["score"] - float(theirs[14])))
        pixels.append(float(np.abs(points - theirs[4:14].reshape(5, 2)).max()))
        embedding = recognizer.feature(recognizer.alignCrop(image, theirs))[0]
        embedding = embedding / np.linalg.norm(embedding)
        cosines.append(float(np.dot(embedding, np.array(face["embedding"]))))
    print(f"pictures                     {len(paths)}")
    print(f"a face by both               {both}; only by Darkroom {only_ours}, only by OpenCV {only_theirs}")
    print(f"scores differ by at most     {max(scores):.2e}")
    print(f"landmarks differ by at most  {max(pixels):.2e} pixels")
    print(f"cosine of the embeddings     {min(cosines):.6f} at least, {np.mean(cosines):.6f} on average")
    near = all(abs(score - 0.7) < SCORE for _, score in only_ours + only_theirs)
    agree = max(scores) <= SCORE and max(pixels) <= PIXELS
    agree = agree and min(cosines) >= COSINE and np.mean(cosines) >= MEAN_COSINE
    if not (both and near and agree):
        sys.exit("Darkroom and OpenCV do not agree")


if __name__ == "__main__":
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    main(*sys.argv[1:])
