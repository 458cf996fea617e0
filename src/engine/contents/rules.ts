// Paths that a build needs and a running program does not, as the tools and distributions lay them out. Data, and a lookup.

export type BuildOnlyKind = 'compiler' | 'headers' | 'cache' | 'build tool' | 'tests' | 'repository';

export interface Rule {
  readonly kind: BuildOnlyKind;
  /** `Go toolchain`, `package lists of apt`. */
  readonly what: string;
  readonly pattern: RegExp;
  /** For a cache: how to leave it out. */
  readonly advice?: string;
}

const mount = (target: string): string => `RUN --mount=type=cache,target=${target}`;
const HOME = '(?:/root|/home/[^/]+)';

/** The first that fits counts. */
const RULES: readonly Rule[] = [
  cache('package lists of apt', '^/var/lib/apt/lists/', 'rm -rf /var/lib/apt/lists/* in the same RUN'),
  cache('downloads of apt', '^/var/cache/apt/', 'apt-get clean in the same RUN, or --mount=type=cache,target=/var/cache/apt'),
  cache('package index of apk', '^/(?:var/cache/apk|etc/apk/cache)/', 'apk add --no-cache'),
  cache('downloads of dnf', '^/var/(?:cache/(?:dnf|yum|libdnf5)|lib/dnf/repos)/', 'dnf clean all in the same RUN'),
  cache('cache of pip', `^${HOME}/\\.cache/(?:pip|uv)/`, `${mount('/root/.cache/pip')}, or pip install --no-cache-dir`),
  cache('cache of npm', `^${HOME}/(?:\\.npm|\\.cache/node-gyp|\\.cache/yarn|\\.yarn|\\.local/share/pnpm)/`, mount('/root/.npm')),
  cache('build cache of Go', `^${HOME}/\\.cache/go-build/`, mount('/root/.cache/go-build')),
  cache('module cache of Go', `^(?:/go|${HOME}/go)/pkg/mod/`, mount('/go/pkg/mod')),
  cache('registry of cargo', `^(?:/usr/local/cargo|${HOME}/\\.cargo)/(?:registry|git)/`, mount('/usr/local/cargo/registry')),
  cache('repository of Maven', `^${HOME}/\\.m2/`, mount('/root/.m2')),
  cache('cache of Gradle', `^${HOME}/\\.gradle/`, mount('/root/.gradle')),
  cache('packages of NuGet', `^${HOME}/\\.nuget/`, mount('/root/.nuget/packages')),
  cache('cache of Composer', `^${HOME}/\\.(?:composer/cache|cache/composer)/`, mount('/root/.composer/cache')),
  { kind: 'repository', what: 'history of Git', pattern: /\/\.git\// },
  compiler('Go toolchain', '^/usr/(?:local/go|lib/go(?:-[\\d.]+)?|share/go(?:-[\\d.]+)?)/'),
  compiler('Rust toolchain', `^(?:/usr/local/(?:rustup|cargo)|${HOME}/\\.(?:rustup|cargo))/`),
  compiler('Rust toolchain', '^/usr/(?:lib/rustlib/|bin/(?:rustc|rustdoc|cargo)$|lib/.*/librustc_driver)'),
  compiler('GCC', '^/usr/(?:local/)?lib(?:exec)?/gcc(?:-cross)?/'),
  compiler('GCC', '^/usr/(?:local/)?bin/(?:[\\w]+-linux-\\w+-)?(?:gcc|g\\+\\+|c\\+\\+|cc|cpp|gcov|lto-dump)(?:-[\\w.-]+)?$'),
  compiler('binutils', '^/usr/bin/(?:[\\w]+-linux-\\w+-)?(?:as|ld|ar|nm|objdump|objcopy|gold|ld\\.gold|ld\\.bfd|dwp|readelf|gprof)$'),
  compiler('LLVM', '^/usr/lib/llvm(?:-\\d+)?/|/libclang-|/libLLVM-'),
  compiler(
    'Java development kit',
    '^/(?:usr/lib/jvm|opt/java)/.*(?:/jmods/|/bin/(?:javac|jlink|jdeps|jshell|javadoc|jpackage)$|/lib/(?:ct\\.sym|src\\.zip)$)',
  ),
  compiler('.NET SDK', '^/usr/(?:share|lib)/dotnet/(?:sdk|packs|templates)/'),
  compiler('TypeScript', '/node_modules/(?:typescript|@typescript)/|^/usr/share/nodejs/typescript/'),
  tool(
    'development packages of npm',
    '/node_modules/(?:@types|webpack|esbuild|@esbuild|vite|rollup|eslint|@eslint|jest|@jest|mocha|vitest|prettier|ts-node)/',
  ),
  tool('npm', '^/usr/(?:local/)?(?:lib/node_modules|share/nodejs)/(?:npm|yarn|corepack)/|^/opt/yarn'),
  tool('pip', '/(?:site|dist)-packages/(?:pip|setuptools|wheel|pkg_resources)(?:-[^/]+)?/'),
  tool('Maven', '^/usr/share/(?:maven|maven-repo)/|^/opt/(?:apache-)?maven'),
  tool('Gradle', '^/opt/gradle'),
  tool('make and CMake', '^/usr/(?:bin/(?:make|gmake|cmake|ctest|cpack|ninja|meson)$|share/cmake)'),
  tool('Git', '^/usr/(?:bin/git$|lib/git-core/)'),
  headers('headers', '^/usr/(?:local/)?include/|\\.(?:h|hpp|hh|hxx)$'),
  headers('static libraries', '^/(?:usr/)?(?:local/)?lib.*\\.(?:a|la)$'),
  headers('pkg-config', '/pkgconfig/[^/]+\\.pc$'),
  tests(
    'test files',
    '(?:_test\\.go|\\.(?:test|spec)\\.[cm]?[jt]sx?|/(?:test_[^/]+|[^/]+_test|conftest)\\.py|Tests?\\.(?:java|class|cs|php))$',
  ),
  tests('test files', '/(?:__tests__|testdata|\\.pytest_cache|\\.nyc_output)/|^/(?:app|src|srv|work)/(?:tests?|spec|coverage)/'),
];

function cache(what: string, pattern: string, advice: string): Rule {
  return { kind: 'cache', what, pattern: new RegExp(pattern), advice };
}

function compiler(what: string, pattern: string): Rule {
  return { kind: 'compiler', what, pattern: new RegExp(pattern) };
}

function tool(what: string, pattern: string): Rule {
  return { kind: 'build tool', what, pattern: new RegExp(pattern) };
}

function headers(what: string, pattern: string): Rule {
  return { kind: 'headers', what, pattern: new RegExp(pattern) };
}

function tests(what: string, pattern: string): Rule {
  return { kind: 'tests', what, pattern: new RegExp(pattern) };
}

/** The rule for an absolute path, if only a build needs what lies there. */
export const ruleFor = (path: string): Rule | undefined => RULES.find((r) => r.pattern.test(path));
