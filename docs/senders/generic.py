#!/usr/bin/env python3
"""Sends depth pictures, skeletons and colour pictures to babel-gateway over ZeroMQ.

The three *_message functions are all there is to the format: take them into a program of your own, give them numpy
arrays, and send what they return with send_multipart. Run as a program, this sends test pictures (no camera, no person:
a slope with a moving step, and a skeleton that waves), to try the connection out:

    pip install pyzmq numpy
    python3 generic.py depth            # or: skeleton, video
"""
import argparse
import json
import time

import numpy as np


def _header(kind, seconds, frame, **keys):
    header = {"version": 1, "kind": kind, **keys}
    if seconds is not None:
        header["time"] = float(seconds)  # when the picture was taken, on any clock that runs evenly
    if frame is not None:
        header["frame"] = int(frame)  # one higher in each picture, so that losses are counted
    return json.dumps(header).encode()


def depth_message(depth, metres_per_step, seconds=None, frame=None):
    """depth: [height, width] whole numbers of steps, 0 where nothing was measured."""
    depth = np.ascontiguousarray(depth, dtype="<u2")
    height, width = depth.shape
    header = _header(
        "depth", seconds, frame, width=width, height=height, encoding="z16", metresPerStep=float(metres_per_step)
    )
    return [header, depth.tobytes()]


def skeleton_message(joints, layout, confidence=None, ids=None, seconds=None, frame=None):
    """joints: [people, joints, 3] metres in the camera's axes, NaN where not seen; confidence: [people, joints], 0 to 1.

    layout: kinect-v1 (20 joints), kinect-v2 (25), coco (17), or a name of your own."""
    joints = np.ascontiguousarray(joints, dtype="<f4")
    people, count, _ = joints.shape
    keys = {"layout": layout, "people": people, "joints": count}
    if ids is not None:
        keys["id"] = [int(number) for number in ids]
    parts = [_header("skeleton", seconds, frame, **keys), joints.tobytes()]
    if confidence is not None:
        parts.append(np.ascontiguousarray(confidence, dtype="<f4").reshape(people, count).tobytes())
    return parts


def video_message(pixels, encoding="rgb8", seconds=None, frame=None):
    """pixels: [height, width, 3] uint8; encoding: rgb8, or bgr8 as OpenCV has them."""
    pixels = np.ascontiguousarray(pixels, dtype=np.uint8)
    height, width, _ = pixels.shape
    return [_header("video", seconds, frame, width=width, height=height, encoding=encoding), pixels.tobytes()]


def test_message(kind, frame, seconds):
    """Pictures that no camera took."""
    if kind == "skeleton":
        joints = np.full((1, 17, 3), np.nan)
        joints[0, :, 0] = 0.1 * np.arange(17)
        joints[0, :, 1] = 0.2 * np.sin(seconds + np.arange(17))
        joints[0, :, 2] = 2.5
        return skeleton_message(joints, "coco", seconds=seconds, frame=frame)
    rows, columns = np.mgrid[0:240, 0:320]
    step = 500 * (np.abs(columns - 160 - 100 * np.sin(seconds)) < 30)
    depth = 2000 + 4 * rows - step
    if kind == "depth":
        return depth_message(depth, 0.001, seconds=seconds, frame=frame)
    grey = (depth // 16).astype(np.uint8)
    return video_message(np.stack([grey, grey, grey], axis=-1), seconds=seconds, frame=frame)


def main():
    import zmq

    parser = argparse.ArgumentParser(description="Sends test pictures to babel-gateway.")
    parser.add_argument("kind", choices=["depth", "skeleton", "video"])
    parser.add_argument("--endpoint", default="tcp://*:5556", help="where the gateway fetches them (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=30, help="pictures a second (default: %(default)s)")
    options = parser.parse_args()

    socket = zmq.Context.instance().socket(zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, 4)  # old pictures are of no use: rather lose them than queue them
    socket.setsockopt(zmq.LINGER, 0)
    socket.bind(options.endpoint)
    frame = 0
    while True:
        socket.send_multipart(test_message(options.kind, frame, time.monotonic()))
        frame += 1
        time.sleep(1 / options.rate)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
