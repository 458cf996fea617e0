// Chapter 5: a Go program on scratch.
import { formatBytes } from '../../../util/index.ts';
import { builtAs, imageNamed, isVerdict } from '../builds.ts';
import { type Chapter, fine, notYet } from '../chapter.ts';

const SDK = 'golang:1.19-bookworm';
/** Bytes: a Go program with its web server takes about 5 MB. */
const LARGEST = 20e6;

export const goApplication: Chapter = {
  name: '05-go-application',
  checks: [
    {
      goal: 'Build the application',
      async look(world) {
        const build = await builtAs(world, { tag: 'lab-whoami' });
        return isVerdict(build) ? build : fine('lab-whoami is built.');
      },
    },
    {
      goal: 'Ship the program without the SDK',
      async look(world) {
        const sdk = await imageNamed(world, SDK);
        if ('ok' in sdk) return notYet(`There is no image ${SDK} to compare with.`, `slipway bootstrap ${SDK}`);
        const app = await imageNamed(world, 'lab-whoami');
        if ('ok' in app) return app;
        const share = ((app.Size / sdk.Size) * 100).toFixed(1);
        const sizes = `${formatBytes(app.Size)} of the SDK's ${formatBytes(sdk.Size)} (${share} %)`;
        if (app.Size >= sdk.Size)
          return notYet(
            `The image holds the whole SDK: ${sizes}.`,
            'the last stage must not start from the SDK: FROM scratch, and COPY --from',
          );
        if (app.Size > LARGEST)
          return notYet(`The image is still large: ${sizes}.`, 'FROM scratch is the smallest base; -ldflags="-s -w" leaves out symbols');
        return fine(`${sizes}: ${(100 - Number(share)).toFixed(1)} % less to push, pull and keep.`);
      },
    },
    {
      goal: 'Keep it running',
      async look(world) {
        const app = await imageNamed(world, 'lab-whoami');
        if ('ok' in app) return app;
        if (!app.Config.Entrypoint?.length)
          return notYet('The image has no ENTRYPOINT.', 'settings are not copied with the files: ENTRYPOINT belongs to the last stage');
        const { exitCode, stdout, stderr } = await world.run('lab-whoami', '-version');
        if (exitCode === 0 && stdout.includes('whoami')) return fine(`It says: ${stdout.trim()}`);
        if (/no such file or directory/i.test(stderr))
          return notYet(
            `The program does not start: ${stderr.trim().split('\n')[0]?.slice(0, 200)}`,
            'either it was copied to another path, or it needs a loader that scratch does not have: CGO_ENABLED=0',
          );
        return notYet(`The program does not start: ${stderr.trim().slice(0, 200)}`, 'slipway run --rm lab-whoami -version shows it');
      },
    },
    {
      goal: 'Keep the port declared',
      async look(world) {
        const app = await imageNamed(world, 'lab-whoami');
        if ('ok' in app) return app;
        if (app.Config.ExposedPorts?.['80/tcp'] === undefined)
          return notYet('The image does not EXPOSE port 80.', 'EXPOSE belongs to the last stage, too');
        return fine('EXPOSE 80 tells -P what to publish.');
      },
    },
  ],
};
