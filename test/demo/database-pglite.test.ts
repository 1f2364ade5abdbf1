import { openPGlite } from '../../src/demo/database-pglite.ts';
import { databaseContract } from './database-contract.ts';

databaseContract(() => openPGlite());
