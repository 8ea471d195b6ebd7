import './style/tokens.css';
import './style/base.css';
import './style/forms.css';
import './style/layout.css';
import './style/timeline.css';
import './style/access.css';
import { render } from 'preact';
import { App } from './state/app.ts';
import { Root } from './view/Root.tsx';

const app = new App();
app.start();
render(<Root app={app} />, document.getElementById('app')!);
