import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What each system reads `os.tmpdir()` from. */
const VARIABLES = ['TMPDIR', 'TEMP', 'TMP'] as const;

/** Gives a run of the tests a temporary folder of its own, which is gone after it: the tests leave theirs where they are. */
export default function setUp(): () => void {
  const before = VARIABLES.map((name) => [name, process.env[name]] as const);
  const folder = mkdtempSync(join(tmpdir(), 'orderflow-crew-tests-'));
  for (const name of VARIABLES) process.env[name] = folder;
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}
