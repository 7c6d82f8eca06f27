import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Search, Shop } from './shop.ts';

const longestBody = 1000;
const sorts: readonly Search['sort'][] = ['popular', 'newest', 'cheapest'];

/** What a handler answers: a status, and what is sent as JSON. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Says what is wrong with a request. */
class BadRequest extends Error {}

/** The shop over HTTP. It does not know whether the shop has a cache. */
export class Service {
  readonly #server: Server;
  readonly #shop: Shop;

  constructor(shop: Shop) {
    this.#shop = shop;
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        const text = JSON.stringify(body);
        response.writeHead(status, {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        });
        response.end(text);
      });
    });
  }

  /** Listens on the loopback interface; port 0 takes a free one. Answers the URL. */
  async listen(port: number): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(port, '127.0.0.1', resolve);
    await promise;
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`;
  }

  /** Lets running requests end for up to a second. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    setTimeout(() => this.#server.closeAllConnections(), 1000).unref();
    await promise;
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    try {
      return await this.#route(request);
    } catch (error) {
      if (error instanceof BadRequest) return { status: 400, body: { error: error.message } };
      return { status: 500, body: { error: error instanceof Error ? error.message : String(error) } };
    }
  }

  async #route(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', 'http://shop');
    const [, first = '', id = '', part = ''] = url.pathname.split('/');
    switch (`${request.method} /${first}${id && '/:id'}${part && `/${part}`}`) {
      case 'GET /':
        return found(await this.#shop.home());
      case 'GET /products/:id':
        return found(await this.#shop.product(whole('id', id)));
      case 'GET /search':
        return found(await this.#shop.search(searchOf(url.searchParams)));
      case 'PUT /products/:id/price': {
        const cents = whole('cents', await field(request, 'cents'), 1);
        return found(await this.#shop.changePrice(whole('id', id), cents));
      }
      case 'POST /products/:id/stock': {
        const units = whole('units', await field(request, 'units'), -1_000_000);
        return found(await this.#shop.changeStock(whole('id', id), units));
      }
      default:
        return { status: 404, body: { error: 'There is no such page.' } };
    }
  }
}

function found(body: unknown): Answer {
  return body === undefined
    ? { status: 404, body: { error: 'There is no such product.' } }
    : { status: 200, body };
}

function searchOf(parameters: URLSearchParams): Search {
  const sort = (parameters.get('sort') ?? 'popular') as Search['sort'];
  if (!sorts.includes(sort)) throw new BadRequest(`'sort' must be one of ${sorts.join(', ')}`);
  return {
    category: whole('category', parameters.get('category') ?? ''),
    sort,
    page: whole('page', parameters.get('page') ?? '1'),
  };
}

function whole(name: string, text: unknown, least = 1): number {
  const number = typeof text === 'string' && text !== '' ? Number(text) : text;
  if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= 1e9)
    return number;
  throw new BadRequest(`'${name}' must be a whole number from ${least} to 1000000000`);
}

/** One field of the JSON object that was sent. */
async function field(request: IncomingMessage, name: string): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > longestBody)
      throw new BadRequest(`The body must not be longer than ${longestBody} characters`);
  }
  try {
    return (JSON.parse(text) as Record<string, unknown> | null)?.[name];
  } catch {
    throw new BadRequest(`The body must be JSON, such as {"${name}": 1}`);
  }
}
