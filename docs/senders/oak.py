#!/usr/bin/env python3
"""Sends the depth pictures of a Luxonis OAK-D camera to babel-gateway over ZeroMQ. For DepthAI version 3.

    pip install 'depthai>=3' pyzmq numpy
    python3 oak.py --rate 30

and in the gateway's configuration: driver depth-zmq, transport zmq with endpoint tcp://127.0.0.1:5556.
"""
import argparse
import json

import depthai as dai
import numpy as np
import zmq


def main():
    parser = argparse.ArgumentParser(description="Sends the depth of an OAK-D camera to babel-gateway.")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=400)
    parser.add_argument("--rate", type=float, default=30, help="pictures a second (default: %(default)s)")
    parser.add_argument("--endpoint", default="tcp://*:5556", help="where the gateway fetches them (default: %(default)s)")
    options = parser.parse_args()

    socket = zmq.Context.instance().socket(zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, 4)  # old pictures are of no use: rather lose them than queue them
    socket.setsockopt(zmq.LINGER, 0)
    socket.bind(options.endpoint)

    with dai.Pipeline() as pipeline:
        size = (options.width, options.height)
        left = pipeline.create(dai.node.Camera).build(dai.CameraBoardSocket.CAM_B)
        right = pipeline.create(dai.node.Camera).build(dai.CameraBoardSocket.CAM_C)
        stereo = pipeline.create(dai.node.StereoDepth).build(
            left.requestOutput(size, fps=options.rate), right.requestOutput(size, fps=options.rate)
        )
        queue = stereo.depth.createOutputQueue(maxSize=4, blocking=False)
        pipeline.start()
        while pipeline.isRunning():
            picture = queue.get()
            depth = np.ascontiguousarray(picture.getFrame(), dtype="<u2")
            header = {
                "version": 1,
                "kind": "depth",
                "width": depth.shape[1],
                "height": depth.shape[0],
                "encoding": "z16",
                "metresPerStep": 0.001,  # StereoDepth gives millimetres unless it is told otherwise
                "time": picture.getTimestampDevice().total_seconds(),
                "frame": picture.getSequenceNum(),
            }
            socket.send_multipart([json.dumps(header).encode(), depth.tobytes()])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
