import { randomBytes } from 'node:crypto';
import { getContainerRuntimeClient } from 'testcontainers';

/** A network whose published ports are those of 127.0.0.1 alone. */
export class PrivateNetwork {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  static async create(): Promise<PrivateNetwork> {
    const network = new PrivateNetwork(`chat-test-${randomBytes(6).toString('hex')}`);
    const { container } = await getContainerRuntimeClient();
    await container.dockerode.createNetwork({
      Name: network.name,
      Options: { 'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1' },
    });
    return network;
  }

  /** Takes a container off, without a word to anyone. */
  async disconnect(containerId: string): Promise<void> {
    await (await this.#docker()).disconnect({ Container: containerId, Force: true });
  }

  async connect(containerId: string, alias: string): Promise<void> {
    await (await this.#docker()).connect({ Container: containerId, EndpointConfig: { Aliases: [alias] } });
  }

  async remove(): Promise<void> {
    await (await this.#docker()).remove();
  }

  async #docker() {
    const { container } = await getContainerRuntimeClient();
    return container.dockerode.getNetwork(this.name);
  }
}
