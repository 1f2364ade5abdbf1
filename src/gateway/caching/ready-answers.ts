/**
 * The answers that are ready, for as long as their entries are there: an entry that goes takes
 * them along, and nothing here keeps it.
 */
import type { Entry } from '../../cache/entry.ts';
import type { AnswerHeaderOptions } from './answer-headers.ts';
import { ReadyAnswer, type Template } from './ready-answer.ts';
import type { Coding } from '../http/content-coding.ts';

/** Of one entry: more kinds of answer than that are made for each request. */
const FORMS_MAX = 16;
const TEMPLATES_MAX = 1_000;

export class ReadyAnswers {
  readonly #options: AnswerHeaderOptions;
  readonly #ready = new WeakMap<Entry, ReadyAnswer[]>();
  readonly #templates = new Map<string, Template>();

  constructor(options: AnswerHeaderOptions) {
    this.#options = options;
  }

  of(entry: Entry, template: Template, coding: Coding | undefined): ReadyAnswer {
    let forms = this.#ready.get(entry);
    if (forms === undefined) {
      forms = [];
      this.#ready.set(entry, forms);
    }
    for (const form of forms) {
      if (form.template === template && form.coding === coding) return form;
    }
    const made = new ReadyAnswer(entry, { template, coding, options: this.#options });
    if (forms.length >= FORMS_MAX) forms.length = 0;
    forms.push(made);
    return made;
  }

  /** One object for all templates that say the same. */
  template(template: Template): Template {
    const text = JSON.stringify(template);
    const known = this.#templates.get(text);
    if (known !== undefined) return known;
    if (this.#templates.size >= TEMPLATES_MAX) this.#templates.clear();
    this.#templates.set(text, template);
    return template;
  }
}
