/** The options of the audit: who invalidated what, when, and why, in PostgreSQL. */
import { z } from 'zod';

const DAYS_MAX = 3_650;

export const auditOptions = {
  audit: z.strictObject({
    enabled: z.boolean().optional().meta({
      description: 'Write down every invalidation. Default: true where there is a `database`.',
    }),
    retentionDays: z.int().min(1).max(DAYS_MAX).default(90).meta({
      description: 'Days that are over for longer are dropped; not shorter than `log.retentionMs`.',
    }),
    directory: z.string().trim().min(1).optional().meta({
      description: 'Without a `database`: where the embedded one is. Default: in memory.',
    }),
  }).prefault({}).meta({ description: 'Who invalidated what, when and why, in PostgreSQL.' }),
};
