/**
 * The configuration of this process: one file, overridden by the environment, overridden by flags;
 * validated whole, all faults in one error.
 */
import { fault } from '../../invalidation/errors.ts';
import { checkConfig, type FreshetConfig } from '../../gateway/config/config.ts';
import { formatFaults, type ConfigFault } from '../../gateway/config/config-faults.ts';
import { readEnvironment, readStandardEnvironment, type Environment } from './environment.ts';
import { readConfigFile, type FileLayer } from './file.ts';
import { layerOf, mergeLayers, type Assignment } from './layer.ts';

export interface LoadOptions {
  /** Where a configuration file is looked for. */
  readonly directory: string;
  readonly environment: Environment;
  /** The file, where one is named; false where none is to be looked for. */
  readonly file?: string | false | undefined;
  readonly flags?: readonly Assignment[];
}

/** Rejects with `CONFIG_INVALID`. */
export async function loadConfig(options: LoadOptions): Promise<FreshetConfig> {
  const { directory, environment, flags = [] } = options;
  const named = options.file ?? environment['FRESHET_CONFIG'];
  const file: FileLayer = named === false
    ? { layer: undefined }
    : await readConfigFile(directory, named);
  const { layer, faults: unknown } = readEnvironment(environment);
  const standard = readStandardEnvironment(environment);
  const layers = [standard, ...(file.layer ? [file.layer] : []), layer, layerOf(flags)];
  const { values, sourceOf } = mergeLayers(layers);
  const production = environment['NODE_ENV'] === 'production';
  const checked = checkConfig(values, { production, sourceOf });

  const faults: ConfigFault[] = [...(file.fault ? [file.fault] : []), ...unknown];
  // Without its file a configuration lacks what is in it: only what others gave is at fault.
  faults.push(...(checked.faults ?? []).filter(({ source }) => !file.fault || source));
  if (checked.config === undefined || faults.length > 0) {
    throw fault('CONFIG_INVALID', { faults: formatFaults(faults) });
  }
  return checked.config;
}
