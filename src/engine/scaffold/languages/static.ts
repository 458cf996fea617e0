// A static site: its pages, compressed ahead, behind nginx.
import { COPY_WGET, HEALTH_BY_WGET, PORT, TOOLS } from '../parts.ts';
import type { Language } from '../types.ts';

/** Nobody's nginx writes nothing but below /tmp, and logs to the streams of its container. */
const CONFIGURATION = `pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
    include /etc/nginx/mime.types;
    access_log /dev/stdout;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {
        listen ${PORT};
        root /site;
        gzip_static on;
    }
}`;

const FOLDERS = ['public', 'site', 'www', 'docs'];

export const site: Language = {
  name: 'static',
  title: 'a static site',
  recognise: (folder) =>
    folder.list().includes('index.html')
      ? 'index.html'
      : FOLDERS.filter((name) => folder.list(name).includes('index.html')).map((name) => `${name}/index.html`)[0],
  write(folder) {
    const root = folder.list().includes('index.html') ? '.' : (FOLDERS.find((name) => folder.list(name).includes('index.html')) ?? '.');
    return {
      blocks: [
        { why: 'The version of nginx in one place.', lines: ['ARG NGINX_VERSION=1.22'] },
        { why: 'The pages.', lines: ['FROM busybox:1.35-musl AS base', 'WORKDIR /site', `COPY ${root} ./`] },
        {
          why: 'For development: build --target development, and mount the pages over /site.',
          lines: ['FROM base AS development', 'EXPOSE 8080', 'CMD ["httpd", "-f", "-p", "8080", "-h", "/site"]'],
        },
        {
          why: 'For the pipeline: build --target test fails when a page names a file of the site that is not there.',
          lines: [
            'FROM base AS test',
            `RUN for page in $(find . -name '*.html'); do \\`,
            `      grep -oE '(href|src)="[^"#:]+"' "$page" | cut -d'"' -f2 | while read -r to; do \\`,
            `        case $to in /*) file=.$to ;; *) file=\${page%/*}/$to ;; esac; \\`,
            `        [ -e "$file" ] || { echo "$page: $to does not exist"; exit 1; }; \\`,
            '      done || exit 1; \\',
            '    done',
          ],
        },
        {
          why: 'Compressed once, and not for each request; work of earlier builds is kept by content.',
          lines: [
            'FROM base AS build',
            'RUN --mount=type=cache,target=/cache \\',
            `    find . -type f \\( -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.svg' \\) | while read -r file; do \\`,
            `      kept=/cache/$(sha256sum "$file" | cut -c1-64).gz; \\`,
            '      [ -e "$kept" ] || gzip -c "$file" > "$kept"; \\',
            '      cp "$kept" "$file.gz"; \\',
            '    done',
          ],
        },
        TOOLS,
        {
          why: 'What is shipped: nginx with a configuration that needs no root, and the pages.',
          lines: [
            'FROM nginx:${NGINX_VERSION} AS production',
            'COPY <<NGINX /etc/nginx/nginx.conf',
            ...CONFIGURATION.split('\n'),
            'NGINX',
            COPY_WGET,
            'COPY --from=build /site /site',
          ],
        },
        {
          why: 'Not root; the low port is free to everybody in a container.',
          lines: ['USER 101:101', `EXPOSE ${PORT}`, HEALTH_BY_WGET, 'ENTRYPOINT []', 'CMD ["nginx", "-g", "daemon off;"]'],
        },
      ],
      ignore: [],
    };
  },
};
