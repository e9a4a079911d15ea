/** The inference worker: towers' sessions apart from the gateway's thread, since onnxruntime's `run` blocks the thread that calls it. */
import { hostPort } from './inference-host.js';
import { serveInference } from './inference-service.js';

serveInference(hostPort());
