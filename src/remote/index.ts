// What a build takes from elsewhere: files by HTTP, and Git repositories.
export { authorizationSecrets, bodyOf, download, type Downloaded, downloadIfChanged, fileNameOf, kindOfStatus, openUrl } from './http.ts';
export { checkOut, type GitOptions, resolveCommit } from './git.ts';
export { type GitSource, gitSource, isHttpUrl, textWithoutCredentials, withoutCredentials } from './address.ts';
