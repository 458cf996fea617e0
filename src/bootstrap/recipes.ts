// What goes into each stand-in: Debian packages, the versions that Debian 12 has of them, and the configuration that
// people expect from the well-known image of that name. Data only; it makes nothing.

import { ALPINE_PACKAGES, ALPINE_SETUP, asksForAlpine } from './alpine.ts';

/** How to make a stand-in for one well-known base image. */
export interface Recipe {
  /** The repository as people write it: `golang`. */
  readonly name: string;
  readonly summary: string;
  /** `busybox` is one static program; every other recipe is a Debian root file system. */
  readonly kind: 'busybox' | 'debian';
  readonly packages: readonly string[];
  /** Words that its tags may hold beside a version, besides VARIANTS. */
  readonly words?: readonly string[];
  /** Versions that a tag may ask for, from exact to short: `1.19`, `1`. The packages have no other. */
  readonly versions: readonly string[];
  /** Its versions say nothing of what is in it: all that Debian has is of one. */
  readonly anyVersion?: boolean;
  /** Dockerfile instructions applied to the imported root file system. */
  readonly changes: readonly string[];
  /** Shell commands run in the root file system once its packages are installed. */
  readonly setup?: readonly string[];
}

const PATH = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const CERTIFICATES = 'ca-certificates';

const NGINX_SITE = `server {
    listen 80;
    server_name localhost;
    location / {
        root /usr/share/nginx/html;
        index index.html index.htm;
    }
}`;

/** What `mvn verify` of a plain jar with JUnit needs, from Debian's repository of Maven: a stand-in has no other. */
const MAVEN_PLUGINS = [
  'libmaven-compiler-plugin-java',
  'libmaven-resources-plugin-java',
  'libmaven-jar-plugin-java',
  'libsurefire-java',
  'junit4',
];
const MAVEN_REPOSITORY =
  '<id>central</id><url>file:///usr/share/maven-repo</url><releases><checksumPolicy>ignore</checksumPolicy></releases>';
const MAVEN_SETTINGS = `<settings>
  <profiles>
    <profile>
      <id>debian</id>
      <repositories><repository>${MAVEN_REPOSITORY}</repository></repositories>
      <pluginRepositories><pluginRepository>${MAVEN_REPOSITORY}</pluginRepository></pluginRepositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>debian</activeProfile></activeProfiles>
</settings>`;

const debian = (
  name: string,
  summary: string,
  packages: readonly string[],
  versions: readonly string[],
  changes: readonly string[],
  setup: readonly string[] = [],
): Recipe => ({ name, summary, kind: 'debian', packages: [CERTIFICATES, ...packages], versions, changes, setup });

/** Every stand-in that can be made, in the order in which they are listed. */
export const RECIPES: readonly Recipe[] = [
  {
    name: 'busybox',
    summary: 'a static busybox with its applets, 2 MB',
    kind: 'busybox',
    packages: ['busybox-static'],
    versions: ['1.35.0', '1.35', '1'],
    changes: [PATH, 'CMD ["sh"]'],
  },
  debian('debian', 'a minimal Debian', [], ['12'], [PATH, 'CMD ["bash"]']),
  {
    ...debian(
      'alpine',
      'a minimal Debian, with an apk that installs from Debian',
      ALPINE_PACKAGES,
      ['3'],
      [PATH, 'CMD ["/bin/sh"]'],
      ALPINE_SETUP,
    ),
    anyVersion: true,
  },
  debian(
    'golang',
    'Debian with the Go toolchain',
    ['golang-go', 'gcc', 'libc6-dev'],
    ['1.19', '1'],
    [
      'ENV PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'ENV GOPATH=/go',
      'ENV GOTOOLCHAIN=local',
      'CMD ["bash"]',
    ],
  ),
  debian(
    'node',
    'Debian with Node.js and npm',
    ['nodejs', 'npm'],
    ['18'],
    [PATH, 'CMD ["node"]'],
    // the user that the well-known image has
    ['groupadd --gid 1000 node', 'useradd --uid 1000 --gid node --shell /bin/bash --create-home node'],
  ),
  debian(
    'python',
    'Debian with Python and pip',
    ['python3', 'python3-pip', 'python3-venv', 'python-is-python3'],
    ['3.11', '3'],
    [PATH, 'CMD ["python3"]'],
  ),
  debian('rust', 'Debian with rustc and cargo', ['rustc', 'cargo', 'gcc', 'libc6-dev'], ['1.63', '1'], [PATH, 'CMD ["bash"]']),
  debian('gcc', 'Debian with GCC, G++ and make', ['gcc', 'g++', 'make', 'libc6-dev'], ['12.2', '12'], [PATH, 'CMD ["bash"]']),
  debian('openjdk', 'Debian with a Java development kit', ['openjdk-17-jdk-headless'], ['17'], [PATH, 'CMD ["jshell"]']),
  {
    ...debian(
      'maven',
      'Debian with Maven and a Java development kit',
      ['maven', 'openjdk-17-jdk-headless', ...MAVEN_PLUGINS],
      ['3.8', '3'],
      [PATH, 'CMD ["mvn"]'],
      [`printf '%s\\n' '${MAVEN_SETTINGS}' > /etc/maven/settings.xml`],
    ),
    words: ['openjdk', '17'],
  },
  { ...debian('php', 'Debian with PHP on the command line', ['php-cli'], ['8.2', '8'], [PATH, 'CMD ["php", "-a"]']), words: ['cli'] },
  debian(
    'composer',
    'Debian with PHP and Composer',
    ['composer', 'php-cli', 'unzip'],
    ['2.5', '2'],
    [PATH, 'ENV COMPOSER_ALLOW_SUPERUSER=1', 'ENV COMPOSER_HOME=/tmp', 'CMD ["composer"]'],
  ),
  debian(
    'nginx',
    'Debian with the nginx web server',
    ['nginx-light'],
    ['1.22', '1'],
    [PATH, 'EXPOSE 80', 'STOPSIGNAL SIGQUIT', 'CMD ["nginx", "-g", "daemon off;"]'],
    // as the well-known image: its folder of pages, and logs on the streams of the container
    [
      'rm -f /etc/nginx/sites-enabled/default',
      'mkdir -p /usr/share/nginx/html',
      `printf '%s\\n' '${NGINX_SITE}' > /etc/nginx/conf.d/default.conf`,
      'ln -sf /dev/stdout /var/log/nginx/access.log',
      'ln -sf /dev/stderr /var/log/nginx/error.log',
    ],
  ),
  debian(
    'registry',
    'Debian with an image registry',
    ['docker-registry'],
    ['2.8', '2'],
    [
      PATH,
      'EXPOSE 5000',
      'VOLUME /var/lib/docker-registry',
      'ENTRYPOINT ["docker-registry"]',
      'CMD ["serve", "/etc/docker/registry/config.yml"]',
    ],
  ),
];

/** Words that a tag may hold beside a version: they say no more than what the stand-in is anyway. */
const VARIANTS = new Set(['bookworm', 'slim', 'stable', 'glibc', 'musl', 'uclibc', 'jdk', 'latest']);

/** The recipe for a repository, if there is one. */
export function findRecipe(name: string): Recipe | undefined {
  return RECIPES.find((r) => r.name === name);
}

/** Whether a tag asks for what the recipe makes: `1.19-bookworm` and `1.19-alpine` do for golang, `1.22` does not. */
export function tagFits(recipe: Recipe, tag: string): boolean {
  return tag
    .split('-')
    .every(
      (word) =>
        VARIANTS.has(word) ||
        recipe.versions.includes(word) ||
        recipe.words?.includes(word) ||
        (recipe.anyVersion && /^(?:\d+(?:\.\d+){0,2}|edge)$/.test(word)) ||
        (hasAlpineVariant(recipe) && asksForAlpine(word)),
    );
}

const hasAlpineVariant = ({ kind, name }: Recipe): boolean => kind === 'debian' && name !== 'debian' && name !== 'alpine';

/** What a tag asks for: `golang:1.19-alpine` has what a stand-in for Alpine has. */
export function variantOf(recipe: Recipe, tag: string): Recipe {
  if (!hasAlpineVariant(recipe) || !asksForAlpine(tag)) return recipe;
  return {
    ...recipe,
    summary: `${recipe.summary}, and an apk that installs from Debian`,
    packages: [...recipe.packages, ...ALPINE_PACKAGES],
    setup: [...(recipe.setup ?? []), ...ALPINE_SETUP],
  };
}

/** Tags that fit, for messages. */
export function tagsOf(recipe: Recipe): string[] {
  return [
    'latest',
    ...recipe.versions,
    ...(recipe.kind === 'debian' && !recipe.anyVersion ? [`${recipe.versions[0] ?? ''}-bookworm`] : []),
  ];
}
