// Operations in a process of their own.
export { performInWorker, SpareWorker, type WorkerOptions } from './run.ts';
export { serveOperation, type WorkerPipe } from './serve.ts';
