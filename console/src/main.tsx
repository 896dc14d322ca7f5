import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter, RouterProvider } from "react-router-dom";
import { Boot } from "./app/Boot";
import { ErrorPage } from "./app/Messages";
import { ThemeRoot } from "./app/ThemeRoot";

const router = createBrowserRouter([{ path: "*", element: <Boot />, errorElement: <ErrorPage /> }]);
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <ThemeRoot>
        <RouterProvider router={router} />
      </ThemeRoot>
    </StrictMode>,
  );
}
