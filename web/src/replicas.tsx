import './style/tokens.css';
import './style/base.css';
import './style/replicas.css';
import './style/access.css';
import { render } from 'preact';
import { Replicas } from './view/Replicas.tsx';

render(<Replicas />, document.getElementById('app')!);
