// Builds and images as pictures.
export { pageData, type PageSources } from './page-data.ts';
export { pageDocument } from './document.ts';
