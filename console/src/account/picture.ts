/** As large as a picture is ever shown, twice for dense screens. */
const SIDE = 256;

/** The square in the middle of a picture: where it is cut from. */
export function middle(width: number, height: number): { x: number; y: number; side: number } {
  const side = Math.min(width, height);
  return { x: Math.round((width - side) / 2), y: Math.round((height - side) / 2), side };
}

/** A photograph from a phone, cut square and made small before it is sent; what the browser cannot read goes as it is. */
export async function asPicture(file: File): Promise<File> {
  try {
    const image = await createImageBitmap(file);
    const { x, y, side } = middle(image.width, image.height);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = Math.min(SIDE, side);
    canvas.getContext("2d")?.drawImage(image, x, y, side, side, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
    return blob ? new File([blob], "picture.png", { type: "image/png" }) : file;
  } catch {
    return file;
  }
}
