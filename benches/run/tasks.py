"""The peers' work: a photograph becomes the vector of its first face, or None."""

import functools
import os

from celery import Celery

app = Celery("faces", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
# As one tunes it for many small tasks whose results are all collected.
app.conf.update(worker_prefetch_multiplier=4, task_acks_late=True, task_serializer="json", result_expires=3600)

# As OpenCV's own examples of these models have it, and as Darkroom searches.
MIN_SCORE, OVERLAP, MOST = 0.7, 0.3, 5000


@app.task
def dlib(path):
    """As the original service was built: face_recognition with its defaults."""
    import face_recognition

    vectors = face_recognition.face_encodings(face_recognition.load_image_file(path))
    return vectors[0].tolist() if vectors else None


@app.task
def opencv(path):
    return embed(path)


def embed(path):
    """The models of Darkroom, through OpenCV."""
    import cv2

    detector, embedder = models()
    picture = cv2.imread(path)
    detector.setInputSize((picture.shape[1], picture.shape[0]))
    faces = detector.detect(picture)[1]
    if faces is None:
        return None
    vector = embedder.feature(embedder.alignCrop(picture, faces[0]))[0]
    return (vector / cv2.norm(vector)).tolist()


@functools.cache
def models():
    import cv2

    # One process a processor is quicker than threads within one.
    cv2.setNumThreads(1)
    detector = cv2.FaceDetectorYN.create(os.environ["YUNET"], "", (320, 320), MIN_SCORE, OVERLAP, MOST)
    return detector, cv2.FaceRecognizerSF.create(os.environ["SFACE"], "")
