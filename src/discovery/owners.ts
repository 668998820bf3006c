// Whose registrations are whose: by connection, and for members of a discovery by the id they keep across connections.

import type { ClientInfo } from "../ipc/client-table.ts";
import type { MemberRef } from "./gathering.ts";

export interface Owner {
  readonly id: string;
  readonly pid?: number;
  readonly isMember: boolean;
}

type MemberOwner = MemberRef & { readonly isMember: true };

export class Owners {
  #byClient = new Map<string, Owner>();
  /** The connection on which each member is now: an older one of it may end later. */
  #connections = new Map<string, string>();
  #members = new Map<string, MemberOwner>();

  connected({ clientId, pid }: ClientInfo): void {
    const owner = { id: clientId, isMember: false };
    this.#byClient.set(clientId, pid === undefined ? owner : { ...owner, pid });
  }

  at({ clientId = "" }: { readonly clientId?: string | undefined }): Owner {
    return this.#byClient.get(clientId) ?? { id: clientId, isMember: false };
  }

  joined({ clientId = "" }: { readonly clientId?: string | undefined }, member: MemberRef): void {
    const owner: MemberOwner = { ...member, isMember: true };
    this.#byClient.set(clientId, owner);
    this.#connections.set(member.id, clientId);
    this.#members.set(member.id, owner);
  }

  /** Whose registrations end with this connection; undefined when its owner has a newer one. */
  left({ clientId }: ClientInfo): Owner | undefined {
    const owner = this.at({ clientId });
    this.#byClient.delete(clientId);
    if (!owner.isMember) return owner;
    if (this.#connections.get(owner.id) !== clientId) return undefined;
    this.#connections.delete(owner.id);
    this.#members.delete(owner.id);
    return owner;
  }

  members(): MemberRef[] {
    return [...this.#members.values()].map(({ id, pid }) => ({ id, pid }));
  }
}
