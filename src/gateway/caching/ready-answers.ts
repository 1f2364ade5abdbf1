/**
 * The answers that are ready, of the entries that were asked for of late and for as long as these
 * are there: an entry that goes takes them along, and nothing here keeps it. They are kept in two
 * generations: what is used stays in the young one, and when that is full the old one goes.
 */
import type { Entry } from '../../cache/entry.ts';
import type { AnswerHeaderOptions } from './answer-headers.ts';
import { ReadyAnswer, type Template } from './ready-answer.ts';
import type { Coding } from '../http/content-coding.ts';

/** Of one entry: more kinds of answer than that are made for each request. */
const FORMS_MAX = 16;
const TEMPLATES_MAX = 1_000;
/** The head of an answer takes about so much. */
const HEAD_BYTES = 1_024;

export class ReadyAnswers {
  readonly #options: AnswerHeaderOptions;
  /** Of one generation. */
  readonly #formsMax: number;
  #young = new WeakMap<Entry, ReadyAnswer[]>();
  #old = new WeakMap<Entry, ReadyAnswer[]>();
  #youngCount = 0;
  readonly #templates = new Map<string, Template>();

  constructor(options: AnswerHeaderOptions, bytesMax: number) {
    this.#options = options;
    this.#formsMax = Math.max(1, Math.floor(bytesMax / 2 / HEAD_BYTES));
  }

  of(entry: Entry, template: Template, coding: Coding | undefined): ReadyAnswer {
    const forms = this.#young.get(entry) ?? this.#rejuvenated(entry);
    const form = forms.find((one) => one.template === template && one.coding === coding)
      ?? this.#made(forms, new ReadyAnswer(entry, { template, coding, options: this.#options }));
    if (this.#youngCount > this.#formsMax) this.#turn();
    return form;
  }

  #rejuvenated(entry: Entry): ReadyAnswer[] {
    const forms = this.#old.get(entry) ?? [];
    this.#old.delete(entry);
    this.#young.set(entry, forms);
    this.#youngCount += forms.length;
    return forms;
  }

  #made(forms: ReadyAnswer[], form: ReadyAnswer): ReadyAnswer {
    if (forms.length >= FORMS_MAX) this.#youngCount -= forms.splice(0).length;
    forms.push(form);
    this.#youngCount += 1;
    return form;
  }

  #turn(): void {
    [this.#old, this.#young] = [this.#young, new WeakMap()];
    this.#youngCount = 0;
  }

  /** One object for all templates that say the same. */
  template(template: Template): Template {
    const { headers, mediaType, shared, public: isPublic } = template;
    // No name, value or media type holds a line's end.
    const text = `${shared}\n${isPublic}\n${mediaType}\n${headers.join('\n')}`;
    const known = this.#templates.get(text);
    if (known !== undefined) return known;
    if (this.#templates.size >= TEMPLATES_MAX) this.#templates.clear();
    this.#templates.set(text, template);
    return template;
  }
}
