/** The environment variable in which a worker finds its place. It is no option of Freshet. */
export const PLACE_VARIABLE = 'FRESHET_WORKER';
