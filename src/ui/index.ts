// Builds and images as pictures.
export { pageDocument } from './document.ts';
export { reportData } from './report.ts';
export { type PageServer, servePage } from './server/serve.ts';
