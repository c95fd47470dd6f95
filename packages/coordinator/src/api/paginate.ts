import type { FastifyReply, FastifyRequest } from "fastify";

/** GitLab's page sizes. */
const defaultPerPage = 20;
const maxPerPage = 100;

/** Cuts one page out of a list, with the headers that GitLab's clients follow: `X-Total`, `X-Next-Page`, `Link`. */
export function paginate<T>(request: FastifyRequest, reply: FastifyReply, all: readonly T[]): readonly T[] {
  const url = new URL(request.url, `http://${request.headers.host ?? "localhost"}`);
  const number = (name: string, fallback: number) =>
    Math.max(1, Math.trunc(Number(url.searchParams.get(name))) || fallback);
  const page = number("page", 1);
  const perPage = Math.min(number("per_page", defaultPerPage), maxPerPage);
  const pages = Math.max(1, Math.ceil(all.length / perPage));
  const linkTo = (target: number, rel: string) => {
    url.searchParams.set("page", String(target));
    url.searchParams.set("per_page", String(perPage));
    return `<${url.href}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [linkTo(page - 1, "prev")] : []),
    ...(page < pages ? [linkTo(page + 1, "next")] : []),
    linkTo(1, "first"),
    linkTo(pages, "last"),
  ];
  reply.headers({
    "X-Page": String(page),
    "X-Per-Page": String(perPage),
    "X-Total": String(all.length),
    "X-Total-Pages": String(pages),
    "X-Prev-Page": page > 1 ? String(page - 1) : "",
    "X-Next-Page": page < pages ? String(page + 1) : "",
    Link: links.join(", "),
  });
  return all.slice((page - 1) * perPage, page * perPage);
}
