/// <reference types="vite/client" />
declare const __CONSOLE_VERSION__: string;
