// VitePress's theme, with colours that can be read.
import theme from 'vitepress/theme';
import './colours.css';

export default theme;
