// How the shops beside this file ask other services: by the clients that applications have.

import axios from "axios";
import { got } from "got";

export interface Item {
  readonly id: string;
  readonly price: number;
}

/** Nobody is there: who gets an answer got it from a test. */
const CATALOGUE = "https://catalogue.example";

export const CLIENTS = {
  fetch: async (path: string) => (await (await fetch(CATALOGUE + path)).json()) as Item,
  axios: async (path: string) => (await axios.get<Item>(CATALOGUE + path)).data,
  got: (path: string) => got(CATALOGUE + path, { retry: { limit: 0 } }).json<Item>(),
} as const satisfies Record<string, (path: string) => Promise<Item>>;

/** What the catalogue says to an order, whatever its status. */
export async function sendOrder(order: unknown): Promise<{ status: number; data: unknown }> {
  const url = `${CATALOGUE}/orders`;
  const { status, data } = await axios.post<unknown>(url, order, { validateStatus: null });
  return { status, data };
}
