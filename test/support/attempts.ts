import assert from 'node:assert/strict'
import { meet } from './met.ts'

/** Which backends were opened, for whom, and which may still be. */
export class Attempts {
  /** Whose backend it is, or was the last; null: the default group's. */
  group: string | null = null
  /** It is the decoy's: the client never comes to another again. */
  get isDecoy(): boolean {
    return this.group === '@decoy'
  }
  /** Backends that are left to be tried. */
  spares = 0
  /** A backend was opened for the item that is not answered yet. */
  isForItem = false
  /** A backend was opened, and no reply of it has been passed on. */
  private isUnheard = false
  /** The transaction that one was last opened for, and has not been heard in. */
  private openedIn = -1
  /** The transaction for which a backend that answers for itself was asked for a recipient. */
  private recipientIn = -1

  /** `transaction`: which one it is for; null: for none. */
  open(group: string | null, transaction: number | null): void {
    if (this.isDecoy) assert.equal(group, '@decoy', 'a server of the operator for one who was lured')
    // What was tried of the operator's servers says nothing of the decoy.
    if (group !== this.group && group === '@decoy') [this.openedIn, this.recipientIn] = [-1, -1]
    this.group = group
    this.isUnheard = true
    this.isForItem = true
    if (transaction === null) return
    assert.notEqual(this.openedIn, transaction, 'a second attempt in one transaction')
    assert.notEqual(this.recipientIn, transaction, 'another backend for a transaction that has begun')
    this.openedIn = transaction
  }

  /** Whether there is another. */
  reopen(): boolean {
    assert.ok(this.isUnheard, 'another backend, and the client has heard this one')
    if (this.spares === 0) return false
    meet('reopened')
    this.spares--
    return true
  }

  /** The client has heard the backend itself. */
  heard(): void {
    this.isUnheard = false
    this.openedIn = -1
  }

  /** It was let go, and no other is in its place. */
  abandoned(): void {
    this.isUnheard = false
  }

  recipient(transaction: number): void {
    this.recipientIn = transaction
  }
}
