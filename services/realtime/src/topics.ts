import { privateMembers, type RoomId, type UserId } from '@chat/protocol';

/** Everyone on this replica: presence, degraded and restored. */
export const EVERYONE = '*';

/** All that is for one user: private rooms, show.room. One topic for any number of private rooms. */
export function userTopic(id: UserId): string {
  return `u/${id}`;
}

/** Where a room's frames are published: a named room has a topic, a private one the topics of its two users. */
export function roomTopics(id: RoomId): string[] {
  return privateMembers(id)?.map(userTopic) ?? [`r/${id}`];
}

/** True for the topic of a named room. Private rooms come by the topics of their users, which every peer has anyway. */
export function isNamed(topic: string): boolean {
  return topic.startsWith('r/');
}
