// Operations in a process of their own.
export { performInWorker, type WorkerOptions } from './run.ts';
export { serveOperation, type WorkerPipe } from './serve.ts';
