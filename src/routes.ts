/** The door `cistern/routes`: stores made of stores. */
export { gutter, type GutterOptions } from './routes/gutter.ts';
