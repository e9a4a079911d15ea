#!/usr/bin/env python3
"""Sends the depth pictures of an Intel RealSense camera (D400 series and others) to babel-gateway over ZeroMQ.

    pip install pyrealsense2 pyzmq numpy
    python3 realsense.py --width 640 --height 480 --rate 30

and in the gateway's configuration: driver depth-zmq, transport zmq with endpoint tcp://127.0.0.1:5556.
"""
import argparse
import json

import numpy as np
import pyrealsense2 as rs
import zmq


def main():
    parser = argparse.ArgumentParser(description="Sends the depth of a RealSense camera to babel-gateway.")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--rate", type=int, default=30, help="pictures a second (default: %(default)s)")
    parser.add_argument("--serial", help="serial number of the camera, where there are several")
    parser.add_argument("--endpoint", default="tcp://*:5556", help="where the gateway fetches them (default: %(default)s)")
    options = parser.parse_args()

    socket = zmq.Context.instance().socket(zmq.PUB)
    socket.setsockopt(zmq.SNDHWM, 4)  # old pictures are of no use: rather lose them than queue them
    socket.setsockopt(zmq.LINGER, 0)
    socket.bind(options.endpoint)

    config = rs.config()
    if options.serial:
        config.enable_device(options.serial)
    config.enable_stream(rs.stream.depth, options.width, options.height, rs.format.z16, options.rate)
    pipeline = rs.pipeline()
    profile = pipeline.start(config)
    metres_per_step = profile.get_device().first_depth_sensor().get_depth_scale()
    try:
        while True:
            picture = pipeline.wait_for_frames().get_depth_frame()
            if not picture:
                continue
            header = {
                "version": 1,
                "kind": "depth",
                "width": picture.get_width(),
                "height": picture.get_height(),
                "encoding": "z16",
                "metresPerStep": metres_per_step,
                "time": picture.get_timestamp() / 1000,  # the SDK gives milliseconds
                "frame": picture.get_frame_number(),
            }
            depth = np.ascontiguousarray(np.asanyarray(picture.get_data()), dtype="<u2")
            socket.send_multipart([json.dumps(header).encode(), depth.tobytes()])
    finally:
        pipeline.stop()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
