import { Component, type FunctionComponent, h } from 'preact';

/** A view that is drawn anew only when one of its properties is another one, or a signal that it reads changed. */
export function memo<Props extends object>(view: FunctionComponent<Props>): FunctionComponent<Props> {
  class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const before = this.props as Record<string, unknown>;
      const keys = new Set([...Object.keys(before), ...Object.keys(next)]);
      return [...keys].some((key) => before[key] !== (next as Record<string, unknown>)[key]);
    }

    override render() {
      return h(view, this.props as Props);
    }
  }
  return Memo as unknown as FunctionComponent<Props>;
}
