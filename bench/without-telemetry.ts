/** Loaded before a gateway: nobody can listen to its channels, so that nothing is told on them. */
import { Channel } from 'node:diagnostics_channel';

const { subscribe } = Channel.prototype;

Channel.prototype.subscribe = function only(listener) {
  // Node.js and other packages go on telling each other.
  if (!String(this.name).includes('freshet:')) subscribe.call(this, listener);
};
